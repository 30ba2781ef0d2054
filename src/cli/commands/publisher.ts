import { Client, type ClientOptions, type PublishDone } from '../../client/client.ts'
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
import { withPayload } from '../input/message-template.ts'
import type { PayloadSource, SourceSink } from '../input/payload-source.ts'
import type { Typed } from '../options/option-row.ts'
import type { publishRows } from '../options/publish.ts'
import { ConnectionReport, farewell, sayGoodbye } from './client-run.ts'
import { Ending, watchInterrupt, watchTimeout } from './ending.ts'
import { explain } from './explain.ts'

type PublishOptions = Typed<typeof publishRows>

interface Refusal {
  count: number
  readonly reasonString: string | null
}

/** One run of `pub`. Counts messages; makes no promise and no closure for one. */
export class Publisher implements SourceSink {
  readonly #source: PayloadSource
  readonly #template: Message
  readonly #typed: PublishOptions
  readonly #context: Context
  readonly #where: string
  readonly #client: Client
  readonly #report: ConnectionReport
  readonly #ending = new Ending()
  readonly #refusals = new Map<number, Refusal>()
  readonly #done: PublishDone
  #given = 0
  #settled = 0
  #abandoned = 0
  #sourceEnded = false

  constructor(
    source: PayloadSource,
    template: Message,
    options: ClientOptions,
    typed: PublishOptions,
    context: Context,
  ) {
    this.#source = source
    this.#template = template
    this.#typed = typed
    this.#context = context
    this.#where = formatAddress(options.address)
    this.#report = new ConnectionReport(context, options, typed.debug ?? false)
    this.#done = (reasonCode, properties) => this.#settle(reasonCode, properties)
    this.#client = new Client(options, {
      ...this.#report.handler,
      drained: () => source.resume(),
      closed: (error) => {
        if (error !== null) this.#ending.fail(this.#explainEnd(error))
      },
    })
  }

  async run(): Promise<ExitCode> {
    const stopWatch = watchTimeout(this.#ending, this.#typed.timeout, () => this.#progress())
    watchInterrupt(this.#ending, this.#context, () => true)
    this.#client.connect().then(
      () => this.#source.start(this),
      (error) => this.#ending.fail(explain(error, this.#where)),
    )
    try {
      return await this.#ending.ended
    } finally {
      stopWatch()
      this.#source.stop()
      await farewell(this.#client, this.#report.version, this.#typed.willOnExit ?? false)
    }
  }

  payload(bytes: Buffer): void {
    if (this.#ending.isOver) return
    this.#given++
    if (!this.#client.send(withPayload(this.#template, bytes), this.#done)) this.#source.pause()
  }

  ended(): void {
    this.#sourceEnded = true
    this.#endWhenSettled()
  }

  failed(failure: Failure): void {
    this.#ending.fail(failure)
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
    if (!this.#sourceEnded) this.#context.talk.say(`${this.#describe(reasonCode, reasonString)}; going on`)
  }

  #endWhenSettled(): void {
    if (!this.#sourceEnded || this.#settled < this.#given || this.#abandoned > 0) return
    sayGoodbye(this.#client, this.#report.version, this.#typed.willOnExit ?? false).then(() => {
      if (this.#refusals.size === 0) this.#ending.with(ExitCode.DONE)
      else this.#ending.fail(this.#refusalFailure())
    })
  }

  #refusalFailure(): Failure {
    const [[reasonCode, { reasonString }] = [0, { reasonString: null }]] = this.#refusals
    const count = [...this.#refusals.values()].reduce((sum, refusal) => sum + refusal.count, 0)
    const counted = this.#given === 1 ? '' : `${count} of ${this.#given} messages were not taken: `
    return new Failure(ExitCode.PUBLISH_REFUSED, counted + this.#describe(reasonCode, reasonString))
  }

  #describe(reasonCode: number, reasonString: string | null): string {
    const reason = reasonString === null ? '' : ` (${JSON.stringify(reasonString)})`
    const topic = JSON.stringify(this.#template.topicName)
    return `${this.#where} refused PUBLISH to ${topic}: ${formatReasonCode(reasonCode, PacketType.PUBACK)}${reason}`
  }

  #progress(): string {
    return `${this.#settled} of ${this.#given} messages are published`
  }

  // Messages without their acknowledgement are what matters most to who reads the exit code.
  #explainEnd(error: ClientError): Failure {
    const failure = explain(error, this.#where)
    const open = this.#given - this.#settled + this.#abandoned
    if (open === 0 || this.#template.qos === QoS.AT_MOST_ONCE || error.kind !== ClientErrorKind.CONNECTION_LOST) {
      return failure
    }
    const messages = open === 1 ? '1 message was' : `${open} messages were`
    return new Failure(ExitCode.PUBLISH_REFUSED, `${messages} never acknowledged: ${failure.message}`, error)
  }
}
