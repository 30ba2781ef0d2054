import type { Client, ClientOptions, PublishDone } from '../../client/client.ts'
import { type ClientError, ClientErrorKind } from '../../client/client-error.ts'
import type { Message } from '../../codec/message.ts'
import { PacketType } from '../../codec/packet-type.ts'
import type { Properties } from '../../codec/property.ts'
import { QoS } from '../../codec/qos.ts'
import { formatReasonCode, ReasonCode } from '../../codec/reason-code.ts'
import { formatAddress } from '../../transport/address.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure } from '../failure.ts'
import type { MessageSource, OutgoingSink } from '../input/message-source.ts'
import type { Typed } from '../options/option-row.ts'
import type { publishRows } from '../options/publish.ts'
import { ConnectionReport, createClient, farewell, type Goodbye, sayGoodbye } from './client-run.ts'
import { type EndedRun, Ending, runToEnd } from './ending.ts'
import { explain } from './explain.ts'

/** What was typed for `pub`. */
export type PublishOptions = Typed<typeof publishRows>

/** Do messages come in lines of stdin, without an end that is known? */
export function isStream({ lines, nullLines, jsonLines, topicLines }: PublishOptions): boolean {
  return Boolean(lines || nullLines || jsonLines) || topicLines !== undefined
}

/** How often to look whether the last bytes have gone. */
const UNSENT_CHECK_MS = 10

interface Refusal {
  count: number
  readonly reasonString: string | null
}

/** One run of `pub`. Counts messages; makes no promise and no closure for one. */
export class Publisher implements OutgoingSink, EndedRun {
  readonly ending = new Ending()
  readonly timeoutMs: number | undefined
  readonly #source: MessageSource
  /** null: each message has its own */
  readonly #topicName: string | null
  readonly #context: Context
  readonly #where: string
  readonly #client: Client
  readonly #goodbye: Goodbye
  readonly #refusals = new Map<number, Refusal>()
  readonly #done: PublishDone
  readonly #isStream: boolean
  #hasAcknowledged = false
  #given = 0
  #settled = 0
  #abandoned = 0
  #isConnected = false
  #sourceEnded = false
  #unsentTimer: NodeJS.Timeout | null = null

  constructor(
    source: MessageSource,
    topicName: string | null,
    options: ClientOptions,
    typed: PublishOptions,
    goodbye: Goodbye,
    context: Context,
  ) {
    this.timeoutMs = typed.timeout
    this.#source = source
    this.#topicName = topicName
    this.#context = context
    this.#where = formatAddress(options.address)
    this.#goodbye = goodbye
    this.#isStream = isStream(typed)
    this.#done = (reasonCode, properties) => this.#settle(reasonCode, properties)
    this.#client = createClient(
      options,
      {
        ...new ConnectionReport(context, options, typed.debug ?? false).handler,
        drained: () => source.resume(),
        closed: (error) => {
          if (error !== null) this.ending.fail(this.#explainEnd(error))
        },
      },
      typed.reauthenticate,
    )
  }

  run(): Promise<ExitCode> {
    return runToEnd(this, this.#context)
  }

  isUnfinished(): boolean {
    return true
  }

  async start(): Promise<void> {
    try {
      await this.#client.connect()
    } catch (error) {
      throw explain(error, this.#where)
    }
    this.#isConnected = true
    if (!this.ending.isOver) this.#source.start(this)
  }

  async leave(): Promise<void> {
    this.#source.stop()
    if (this.#unsentTimer !== null) clearTimeout(this.#unsentTimer)
    await farewell(this.#client, this.#goodbye)
  }

  progress(): string {
    return `${this.#settled} of ${this.#given} messages are published`
  }

  message(message: Message): void {
    if (this.ending.isOver) return
    this.#given++
    if (message.qos > QoS.AT_MOST_ONCE) this.#hasAcknowledged = true
    if (!this.#client.send(message, this.#done)) this.#source.pause()
  }

  ended(): void {
    this.#sourceEnded = true
    this.#endWhenSettled()
  }

  failed(failure: Failure): void {
    this.ending.fail(failure)
  }

  #settle(reasonCode: number, properties: Properties): void {
    this.#settled++
    if (reasonCode < 0) this.#abandoned++
    else if (reasonCode >= ReasonCode.UNSPECIFIED_ERROR) this.#refused(reasonCode, properties)
    this.#endWhenSettled()
  }

  #refused(reasonCode: number, properties: Properties): void {
    const refusal = this.#refusals.get(reasonCode)
    if (refusal !== undefined) {
      refusal.count++
      return
    }
    const reasonString = properties.reasonString ?? null
    this.#refusals.set(reasonCode, { count: 1, reasonString })
    // a stream may go on for long, so its first refusal is told at once
    if (this.#isStream) this.#context.talk.say(`${this.#describe(reasonCode, reasonString)}; going on`)
  }

  #endWhenSettled(): void {
    if (this.#sourceEnded && this.#settled === this.#given && !this.ending.isOver) this.#endWhenSent()
  }

  // A QoS 0 message is done when it is in the socket's buffer, but published only when it has left that too: a broker that
  // reads slowly is waited for, and one that goes away meanwhile is an error.
  #endWhenSent(): void {
    if (this.ending.isOver) return
    if (this.#client.pendingBytes > 0) {
      this.#unsentTimer = setTimeout(() => this.#endWhenSent(), UNSENT_CHECK_MS)
      return
    }
    sayGoodbye(this.#client, this.#goodbye).then(
      () => this.#endWithOutcome(),
      (error) => this.ending.fail(error),
    )
  }

  #endWithOutcome(): void {
    if (this.#abandoned > 0) this.ending.fail(this.#neverAcknowledged('the broker has lost the session'))
    else if (this.#refusals.size > 0) this.ending.fail(this.#refusalFailure())
    else this.ending.with(ExitCode.DONE)
  }

  #refusalFailure(): Failure {
    const [[reasonCode, { reasonString }] = [0, { reasonString: null }]] = this.#refusals
    const count = [...this.#refusals.values()].reduce((sum, refusal) => sum + refusal.count, 0)
    const counted = this.#given === 1 ? '' : `${count} of ${this.#given} messages were not taken: `
    return new Failure(ExitCode.PUBLISH_REFUSED, counted + this.#describe(reasonCode, reasonString))
  }

  #describe(reasonCode: number, reasonString: string | null): string {
    const reason = reasonString === null ? '' : ` (${JSON.stringify(reasonString)})`
    const topic = this.#topicName === null ? '' : ` to ${JSON.stringify(this.#topicName)}`
    return `${this.#where} refused PUBLISH${topic}: ${formatReasonCode(reasonCode, PacketType.PUBACK)}${reason}`
  }

  // Messages without their acknowledgement are what matters most to who reads the exit code.
  #explainEnd(error: ClientError): Failure {
    const failure = explain(error, this.#where, this.#isConnected)
    const isLost = failure.exitCode === ExitCode.CONNECTION_LOST && error.kind !== ClientErrorKind.TAKEN_OVER
    const isOpen = this.#settled - this.#abandoned < this.#given
    if (!isLost || !isOpen || !this.#hasAcknowledged) return failure
    return this.#neverAcknowledged(failure.message)
  }

  #neverAcknowledged(why: string): Failure {
    const open = this.#given - this.#settled + this.#abandoned
    const messages = open === 1 ? '1 message was' : `${open} messages were`
    return new Failure(ExitCode.PUBLISH_REFUSED, `${messages} never acknowledged: ${why}`)
  }
}
