import type { Client } from '../../client/client.ts'
import { Message } from '../../codec/message.ts'
import { PacketType } from '../../codec/packet-type.ts'
import type { Publish } from '../../codec/packets/publish.ts'
import { RetainHandling, type SubscriptionRequest } from '../../codec/packets/subscribe.ts'
import { NO_PROPERTIES } from '../../codec/property.ts'
import { ProtocolVersion } from '../../codec/protocol-version.ts'
import { QoS } from '../../codec/qos.ts'
import { formatReasonCode, ReasonCode } from '../../codec/reason-code.ts'
import { isSharedFilter } from '../../topic/topic-filter.ts'
import { formatAddress } from '../../transport/address.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { ConnectionReport, createClient, farewell } from './client-run.ts'
import { type EndedRun, Ending, runToEnd } from './ending.ts'
import { explain } from './explain.ts'
import type { RequestPlan } from './request-plan.ts'
import { connectAndSubscribe, judgeSuback } from './request-subscription.ts'
import { ShellJob } from './shell-command.ts'

/** Requests that wait for their command before no more are read from the broker. */
const WAITING_REQUESTS = 64
/** The largest response. */
const MAXIMUM_RESPONSE_BYTES = 16 * 1_048_576

interface Request {
  readonly topicName: string
  readonly payload: Buffer
  readonly responseTopic: string
  readonly correlationData: Buffer | undefined
}

/** The answering side of `rr`: runs a command per request, one after another, and publishes what it prints. */
export class Responder implements EndedRun {
  readonly ending = new Ending()
  readonly timeoutMs: number | undefined
  readonly #plan: RequestPlan
  readonly #command: string
  readonly #context: Context
  readonly #where: string
  readonly #client: Client
  readonly #waiting: Request[] = []
  #taken = 0
  #handled = 0
  #isConnected = false
  #running: ShellJob | null = null

  constructor(plan: RequestPlan, command: string, context: Context) {
    const { typed, options, topic } = plan
    this.timeoutMs = typed.timeout
    this.#plan = plan
    this.#command = command
    this.#context = context
    this.#where = formatAddress(options.address)
    this.#client = createClient(
      options,
      {
        ...new ConnectionReport(context, options, typed.debug ?? false).handler,
        message: (publish) => this.#receive(publish),
        resubscribed: (_, suback) => {
          try {
            judgeSuback(this.#where, topic, suback)
          } catch (error) {
            this.ending.fail(error)
          }
        },
        closed: (error) => {
          if (error !== null) this.ending.fail(explain(error, this.#where, this.#isConnected))
        },
      },
      typed.reauthenticate,
    )
  }

  run(): Promise<ExitCode> {
    return runToEnd(this, this.#context)
  }

  isUnfinished(): boolean {
    return !this.#isConnected || this.#plan.typed.count !== undefined
  }

  progress(): string {
    return `${this.#handled} requests were handled`
  }

  async start(): Promise<void> {
    const { topic, subscribeProperties } = this.#plan
    await connectAndSubscribe(this.#client, this.#where, () => this.#subscription(), subscribeProperties)
    this.#isConnected = true
    this.#context.talk.say(`answering requests on ${JSON.stringify(topic)}`)
  }

  async leave(): Promise<void> {
    this.#running?.stop()
    await farewell(this.#client, this.#plan.goodbye)
  }

  #subscription(): SubscriptionRequest {
    const { topic, typed } = this.#plan
    return {
      topicFilter: topic,
      qos: typed.qos ?? QoS.AT_MOST_ONCE,
      // an answer must not come back as a request; [MQTT-3.8.3-4] forbids it for shared ones
      noLocal: this.#client.version === ProtocolVersion.V5 && !isSharedFilter(topic),
      retainAsPublished: false,
      retainHandling: RetainHandling.ALWAYS,
    }
  }

  #receive({ message }: Publish): void {
    const { count, responseTopic: fixed } = this.#plan.typed
    if (this.ending.isOver || this.#taken === count) return
    const { responseTopic = fixed, correlationData } = message.properties
    const topicName = message.topicName
    // without No Local, before 5.0, our own answers come here when the filter matches them
    if (responseTopic === topicName) return
    if (responseTopic === undefined) {
      this.#context.talk.say(`a request on ${JSON.stringify(topicName)} has no response topic; -e names one for these`)
      return
    }
    this.#taken++
    this.#waiting.push({
      topicName,
      payload: Buffer.from(message.payload),
      responseTopic,
      correlationData: correlationData === undefined ? undefined : Buffer.from(correlationData),
    })
    if (this.#waiting.length >= WAITING_REQUESTS) this.#client.pauseMessages()
    if (this.#running === null) this.#next()
  }

  #next(): void {
    const request = this.#waiting.shift()
    if (request === undefined || this.ending.isOver) return
    if (this.#waiting.length < WAITING_REQUESTS / 2) this.#client.resumeMessages()
    const chunks: Buffer[] = []
    let bytes = 0
    const environment = { MQTT_TOPIC: request.topicName, MQTT_RESPONSE_TOPIC: request.responseTopic }
    const run = { command: this.#command, input: request.payload, environment }
    const job = new ShellJob(run, this.#context, 'pipe', (failure) => {
      if (bytes > MAXIMUM_RESPONSE_BYTES) this.#failed(request, 'printed more than 16 MiB')
      else if (failure !== null) this.#failed(request, failure)
      else this.#answer(request, Buffer.concat(chunks))
    })
    this.#running = job
    job.stdout?.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= MAXIMUM_RESPONSE_BYTES) chunks.push(chunk)
      else job.stop()
    })
  }

  #failed({ topicName }: Request, what: string): void {
    if (this.ending.isOver) return
    this.#context.talk.say(`the command ${what}: no answer to the request on ${JSON.stringify(topicName)}`)
    this.#settle()
    this.#advance()
  }

  #answer({ responseTopic, correlationData }: Request, payload: Buffer): void {
    if (this.ending.isOver) return
    const { typed, publishProperties } = this.#plan
    const properties =
      this.#client.version !== ProtocolVersion.V5
        ? NO_PROPERTIES
        : { ...publishProperties, ...(correlationData !== undefined && { correlationData }) }
    const message = Message.create(responseTopic, payload, { qos: typed.qos ?? QoS.AT_MOST_ONCE, properties })
    this.#client.send(message, (reasonCode, { reasonString }) => {
      if (reasonCode >= ReasonCode.UNSPECIFIED_ERROR) {
        const reason = reasonString === undefined ? '' : ` (${JSON.stringify(reasonString)})`
        const told = formatReasonCode(reasonCode, PacketType.PUBACK) + reason
        this.#context.talk.say(`${this.#where} refused the response to ${JSON.stringify(responseTopic)}: ${told}`)
      }
      this.#settle()
    })
    this.#advance()
  }

  // Not held up by the acknowledgement of the answer: while no more requests are read, it is not read either.
  #advance(): void {
    this.#running = null
    this.#next()
  }

  #settle(): void {
    if (++this.#handled === this.#plan.typed.count && !this.ending.isOver) this.ending.with(ExitCode.DONE)
  }
}
