import { randomBytes } from 'node:crypto'
import type { Client } from '../../client/client.ts'
import { Message } from '../../codec/message.ts'
import { PacketType } from '../../codec/packet-type.ts'
import type { Connack } from '../../codec/packets/connack.ts'
import type { Publish } from '../../codec/packets/publish.ts'
import { RetainHandling, type SubscriptionRequest } from '../../codec/packets/subscribe.ts'
import { NO_PROPERTIES, type Properties } from '../../codec/property.ts'
import { ProtocolVersion, protocolVersionName } from '../../codec/protocol-version.ts'
import { QoS } from '../../codec/qos.ts'
import { formatReasonCode, ReasonCode } from '../../codec/reason-code.ts'
import { ProtocolViolation } from '../../codec/violation.ts'
import { TopicNameFault, topicNameFault } from '../../topic/topic-name.ts'
import { formatAddress } from '../../transport/address.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import { maximumPayloadBytes, readPayload } from '../input/one-payload.ts'
import { ConnectionReport, createClient, farewell } from './client-run.ts'
import { type EndedRun, Ending, inTime, runToEnd } from './ending.ts'
import { explain } from './explain.ts'
import { MessagePrinter } from './message-printer.ts'
import type { SinkOwner } from './message-sink.ts'
import type { RequestPlan } from './request-plan.ts'
import { connectAndSubscribe } from './request-subscription.ts'

const CORRELATION_BYTES = 16

/** The asking side of `rr`: one request at a time, each with correlation data of its own. */
export class Requester implements EndedRun, SinkOwner {
  readonly ending = new Ending()
  readonly client: Client
  readonly timeoutMs: number | undefined
  readonly #plan: RequestPlan
  readonly #payload: Buffer
  #responseTopic: string
  readonly #context: Context
  readonly #where: string
  readonly #printer: MessagePrinter
  readonly #count: number
  #answered = 0
  #ignored = 0
  #isConnected = false
  /** of the request that is open; null when the response is known by its topic alone */
  #correlationData: Buffer | null = null
  #isOpen = false
  #sentAtMs = 0
  #totalMs = 0
  #slowestMs = 0

  /** @throws Failure (rejects) for a payload that cannot be read or sent */
  static async create(plan: RequestPlan, responseTopic: string, context: Context): Promise<Requester> {
    const { typed, topic, publishProperties } = plan
    const correlationData = publishProperties.correlationData ?? Buffer.alloc(CORRELATION_BYTES)
    const largest = createMessage(plan, topic, Buffer.alloc(0), {
      ...publishProperties,
      responseTopic,
      correlationData,
    })
    const reading = readPayload(typed, context, maximumPayloadBytes(largest))
    return new Requester(plan, await inTime(reading, typed.timeout, 'the payload has not come'), responseTopic, context)
  }

  private constructor(plan: RequestPlan, payload: Buffer, responseTopic: string, context: Context) {
    const { typed, options } = plan
    this.#plan = plan
    this.#payload = payload
    this.#responseTopic = responseTopic
    this.#context = context
    this.#where = formatAddress(options.address)
    this.#count = typed.count ?? 1
    this.timeoutMs = typed.timeout
    this.client = createClient(
      options,
      {
        ...new ConnectionReport(context, options, typed.debug ?? false).handler,
        message: (publish) => this.#receive(publish),
        closed: (error) => {
          if (error !== null) this.ending.fail(explain(error, this.#where, this.#isConnected))
        },
      },
      typed.reauthenticate,
    )
    this.#printer = new MessagePrinter(typed, context, this)
  }

  run(): Promise<ExitCode> {
    return runToEnd(this, this.#context)
  }

  isUnfinished(): boolean {
    return true
  }

  // The response can come only to who is subscribed, so the request waits for SUBACK.
  async start(): Promise<void> {
    const { typed, subscribeProperties } = this.#plan
    const request = (connack: Connack): SubscriptionRequest => {
      this.#useResponseInformation(connack)
      return {
        topicFilter: this.#responseTopic,
        qos: typed.qos ?? QoS.AT_MOST_ONCE,
        noLocal: false,
        retainAsPublished: false,
        retainHandling: RetainHandling.ALWAYS,
      }
    }
    await connectAndSubscribe(this.client, this.#where, request, subscribeProperties)
    this.#isConnected = true
    if (this.client.version !== ProtocolVersion.V5) {
      const name = `MQTT ${protocolVersionName(this.client.version)}`
      const topic = JSON.stringify(this.#responseTopic)
      this.#context.talk.say(`${name} has no correlation data: any message on ${topic} counts as the response`)
    }
    if (!this.ending.isOver) this.#ask()
  }

  async leave(): Promise<void> {
    await this.#printer.finish()
    if (this.#plan.typed.latency && this.#answered > 1) this.#summarise()
    await farewell(this.client, this.#plan.goodbye)
  }

  progress(): string {
    if (!this.#isConnected) return `${this.#where} has not answered yet`
    const came = this.#count === 1 ? 'no response came' : `${this.#answered} of ${this.#count} responses came`
    return this.#ignored === 0 ? came : `${came}; ${this.#ignored} with wrong correlation data`
  }

  // The broker says where responses to this client may go (5.0 section 4.10.1).
  #useResponseInformation({ properties: { responseInformation } }: Connack): void {
    if (responseInformation === undefined || this.#plan.typed.responseTopic !== undefined) return
    const topic = `${responseInformation.replace(/\/$/, '')}/${this.#responseTopic.split('/').at(-1)}`
    if (topicNameFault(topic) === TopicNameFault.NONE) this.#responseTopic = topic
    else
      this.#context.talk.say(
        `${this.#where} sends ${JSON.stringify(responseInformation)} to make response topics of, which cannot be`,
      )
  }

  #ask(): void {
    const message = createMessage(this.#plan, this.#plan.topic, this.#payload, this.#requestProperties())
    this.#isOpen = true
    this.#sentAtMs = performance.now()
    this.client.send(message, (reasonCode, properties) => this.#published(reasonCode, properties))
  }

  #requestProperties(): Properties {
    if (this.client.version !== ProtocolVersion.V5) return NO_PROPERTIES
    const { typed, publishProperties } = this.#plan
    const request = { ...publishProperties, responseTopic: this.#responseTopic }
    if (typed.noCorrelation) return request
    this.#correlationData = publishProperties.correlationData ?? randomBytes(CORRELATION_BYTES)
    return { ...request, correlationData: this.#correlationData }
  }

  #published(reasonCode: number, { reasonString }: Properties): void {
    if (this.ending.isOver) return
    const topic = JSON.stringify(this.#plan.topic)
    const told = `${formatReasonCode(reasonCode, PacketType.PUBACK)}${reasonString === undefined ? '' : ` (${JSON.stringify(reasonString)})`}`
    if (reasonCode >= ReasonCode.UNSPECIFIED_ERROR) {
      const text = `${this.#where} refused PUBLISH to ${topic}: ${told}`
      this.ending.fail(new Failure(ExitCode.PUBLISH_REFUSED, text))
    } else if (reasonCode === ReasonCode.NO_MATCHING_SUBSCRIBERS) {
      this.#context.talk.say(`nobody is subscribed to ${topic}: ${told}; waiting all the same`)
    }
  }

  #receive(publish: Publish): void {
    const { message } = publish
    // of an -e that the broker keeps something under, or of a session taken up
    if (!this.#isOpen || this.ending.isOver) return
    if (message.retain && this.#plan.typed.hideRetained) return
    if (this.#correlationData !== null) {
      const { correlationData } = message.properties
      if (correlationData === undefined || !correlationData.equals(this.#correlationData)) {
        return this.#ignore(message.topicName, correlationData)
      }
    } else if (message.retain || message.topicName !== this.#responseTopic) {
      return
    }
    this.#isOpen = false
    this.#printer.take(publish)
    if (this.#plan.typed.latency) this.#measure(performance.now() - this.#sentAtMs)
    if (++this.#answered === this.#count) this.ending.with(ExitCode.DONE)
    else this.#ask()
  }

  #ignore(topicName: string, correlationData: Buffer | undefined): void {
    this.#ignored++
    const found = correlationData === undefined ? 'no correlation data' : `correlation data ${show(correlationData)}`
    const wanted = show(this.#correlationData!)
    this.#context.talk.say(`ignored a message on ${JSON.stringify(topicName)} with ${found}; the request has ${wanted}`)
  }

  #measure(ms: number): void {
    this.#totalMs += ms
    this.#slowestMs = Math.max(this.#slowestMs, ms)
    this.#context.talk.say(`response after ${ms.toFixed(3)} ms`)
  }

  #summarise(): void {
    const mean = (this.#totalMs / this.#answered).toFixed(3)
    this.#context.talk.say(`${this.#answered} responses, mean ${mean} ms, slowest ${this.#slowestMs.toFixed(3)} ms`)
  }
}

const SHOWN_BYTES = 32

function show(bytes: Buffer): string {
  const hex = bytes.toString('hex', 0, SHOWN_BYTES)
  return `0x${hex}${bytes.length > SHOWN_BYTES ? '...' : ''}`
}

function createMessage({ typed }: RequestPlan, topic: string, payload: Buffer, properties: Properties): Message {
  try {
    return Message.create(topic, payload, { qos: typed.qos ?? QoS.AT_MOST_ONCE, properties })
  } catch (error) {
    if (error instanceof ProtocolViolation) throw new UsageError(error.message)
    throw error
  }
}
