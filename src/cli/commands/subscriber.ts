import type { Client, ClientOptions } from '../../client/client.ts'
import { Message } from '../../codec/message.ts'
import { PacketType } from '../../codec/packet-type.ts'
import type { Publish } from '../../codec/packets/publish.ts'
import type { Suback } from '../../codec/packets/suback.ts'
import type { SubscriptionRequest } from '../../codec/packets/subscribe.ts'
import type { Unsuback } from '../../codec/packets/unsuback.ts'
import type { Properties } from '../../codec/property.ts'
import { QoS } from '../../codec/qos.ts'
import { formatReasonCode, ReasonCode } from '../../codec/reason-code.ts'
import { ProtocolViolation } from '../../codec/violation.ts'
import { matches } from '../../topic/topic-filter.ts'
import { formatAddress } from '../../transport/address.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import type { Typed } from '../options/option-row.ts'
import type { subscribeRows } from '../options/subscribe.ts'
import { ConnectionReport, createClient, farewell, type Goodbye, sayGoodbye } from './client-run.ts'
import { type EndedRun, Ending, runToEnd } from './ending.ts'
import { explain } from './explain.ts'
import type { MessageSink, SinkOwner } from './message-sink.ts'
import type { MessageStep } from './message-steps.ts'

/** What was typed for `sub`. */
export type SubscribeOptions = Typed<typeof subscribeRows>

/** What to ask the broker for, and what to do with the messages. */
export interface SubscribePlan {
  readonly requests: readonly SubscriptionRequest[]
  readonly subscribeProperties: Properties
  readonly unsubscribe: readonly string[]
  readonly unsubscribeProperties: Properties
  readonly goodbye: Goodbye
  readonly typed: SubscribeOptions
  /** between receiving and the sink, in order */
  readonly steps: readonly MessageStep[]
  /** true: the message is the last one; null: there is no such message */
  readonly isLast: ((publish: Publish, count: number) => boolean) | null
}

/** One run of `sub`. */
export class Subscriber implements EndedRun, SinkOwner {
  readonly ending = new Ending()
  readonly client: Client
  readonly timeoutMs: number | undefined
  readonly #plan: SubscribePlan
  readonly #context: Context
  readonly #where: string
  readonly #sink: MessageSink
  readonly #removal: RetainedRemoval | null
  #count = 0
  #isConnected = false
  #isSubscribed = false
  #idleTimer: NodeJS.Timeout | null = null

  /** @param openSink makes what takes the messages */
  constructor(
    plan: SubscribePlan,
    options: ClientOptions,
    context: Context,
    openSink: (owner: SinkOwner) => MessageSink,
  ) {
    const { typed } = plan
    this.timeoutMs = typed.timeout
    this.#plan = plan
    this.#context = context
    this.#where = formatAddress(options.address)
    this.client = createClient(
      options,
      {
        ...new ConnectionReport(context, options, typed.debug ?? false).handler,
        message: (publish) => this.#receive(publish),
        resubscribed: (filters, suback) => this.#resubscribed(filters, suback),
        closed: (error) => {
          if (error !== null) this.ending.fail(explain(error, this.#where, this.#isConnected))
        },
      },
      typed.reauthenticate,
    )
    this.#removal = typed.removeRetained ? new RetainedRemoval(this.client, typed.dryRun ?? false) : null
    this.#sink = openSink(this)
  }

  run(): Promise<ExitCode> {
    return runToEnd(this, this.#context)
  }

  isUnfinished(): boolean {
    return !this.#isSubscribed || this.#isAwaiting
  }

  async start(): Promise<void> {
    const { requests, subscribeProperties, unsubscribe, unsubscribeProperties, typed } = this.#plan
    try {
      await this.client.connect()
      this.#isConnected = true
      if (unsubscribe.length > 0)
        this.#reportUnsuback(await this.client.unsubscribe(unsubscribe, unsubscribeProperties))
      if (requests.length > 0) {
        const filters = requests.map(({ topicFilter }) => topicFilter)
        this.#judgeSuback(filters, await this.client.subscribe(requests, subscribeProperties))
      }
    } catch (error) {
      if (error instanceof ProtocolViolation && error.ours) throw new UsageError(error.message)
      throw error instanceof Failure ? error : explain(error, this.#where)
    }
    this.#isSubscribed = true
    if (typed.exitAfterSuback) this.#end()
    else if (typed.idle !== undefined) this.#idleTimer ??= setTimeout(() => this.#idle(), typed.idle)
  }

  async leave(isDone: boolean): Promise<void> {
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer)
    try {
      if (isDone) await this.#finishRemoval()
      await this.#sink.finish(!isDone)
    } finally {
      await farewell(this.client, this.#plan.goodbye)
    }
  }

  progress(): string {
    const { count } = this.#plan.typed
    if (!this.#isSubscribed) return `${this.#where} has not answered yet`
    if (count !== undefined) return `${this.#count} of ${count} messages came`
    return this.#plan.isLast === null
      ? `${this.#count} messages came`
      : `${this.#count} messages came, none of them the one of --until`
  }

  get #isAwaiting(): boolean {
    return this.#plan.typed.count !== undefined || this.#plan.isLast !== null
  }

  /** @throws Failure when no filter was granted */
  #judgeSuback(topicFilters: readonly string[], { codes, properties }: Suback): void {
    const reason = properties.reasonString === undefined ? '' : ` (${JSON.stringify(properties.reasonString)})`
    const refusals = topicFilters.flatMap((topicFilter, i) => {
      const code = codes[i]!
      if (code < ReasonCode.UNSPECIFIED_ERROR) return []
      return [`${JSON.stringify(topicFilter)}: ${formatReasonCode(code, PacketType.SUBACK)}`]
    })
    if (refusals.length === 0) return
    const text = `${this.#where} refused SUBSCRIBE to ${refusals.join(', ')}${reason}`
    if (refusals.length === codes.length) throw new Failure(ExitCode.SUBSCRIBE_REFUSED, text)
    this.#context.talk.say(`${text}; going on with the others`)
  }

  #resubscribed(topicFilters: readonly string[], suback: Suback): void {
    try {
      this.#judgeSuback(topicFilters, suback)
    } catch (error) {
      this.ending.fail(error)
    }
  }

  #reportUnsuback({ codes }: Unsuback): void {
    for (const [i, code] of codes.entries()) {
      if (code === ReasonCode.SUCCESS) continue
      const filter = JSON.stringify(this.#plan.unsubscribe[i])
      this.#context.talk.say(`unsubscribe from ${filter}: ${formatReasonCode(code, PacketType.UNSUBACK)}`)
    }
  }

  #receive(publish: Publish): void {
    if (this.ending.isOver) return this.#leaveUntaken()
    const { typed, steps, isLast } = this.#plan
    this.#idleTimer?.refresh()
    const { topicName, retain } = publish.message
    if (typed.filterOut?.some((filter) => matches(filter, topicName))) return
    if (this.#removal !== null) {
      if (retain) this.#removal.remove(topicName)
      // the removals themselves come back
      else if (publish.message.payloadBytes === 0) return
    }
    if (retain && typed.hideRetained) return
    if (!retain && typed.retainedOnly) return this.#end()
    let shown = publish
    for (const step of steps) {
      const next = step(shown)
      if (next === null) return
      shown = next
    }
    this.#sink.take(shown)
    this.#count++
    if (this.#count === typed.count || isLast?.(shown, this.#count)) this.#end()
  }

  // All that was asked for has come.
  #end(): void {
    this.client.pauseMessages()
    this.ending.with(ExitCode.DONE)
  }

  #idle(): void {
    if (!this.#isAwaiting) return this.#end()
    this.ending.fail(
      new Failure(ExitCode.TIMEOUT, `no message for ${this.#plan.typed.idle! / 1000} s: ${this.progress()}`),
    )
  }

  // One message too many. Leaving within this call, before it is acknowledged, keeps it and those behind it at the broker
  // for the next time; the last one taken was acknowledged when its own call returned.
  #leaveUntaken(): void {
    if (this.#removal?.isPending) return
    sayGoodbye(this.client, this.#plan.goodbye).catch((error) => this.ending.fail(error))
  }

  async #finishRemoval(): Promise<void> {
    const removal = this.#removal
    if (removal === null) return
    // PUBACK has to be read
    if (removal.isPending) this.client.resumeMessages()
    await removal.settled()
    const topics = removal.removed === 1 ? '1 retained message' : `${removal.removed} retained messages`
    const { talk } = this.#context
    if (removal.isDry) talk.say(`${topics} would be removed`)
    else talk.say(`${topics} removed`)
    if (removal.refusals > 0) {
      const text = `${removal.refusals} of ${removal.removed + removal.refusals} removals were not taken`
      throw new Failure(ExitCode.PUBLISH_REFUSED, `${text}: ${formatReasonCode(removal.reasonCode, PacketType.PUBACK)}`)
    }
  }
}

/** Removes retained messages by publishing empty ones. */
class RetainedRemoval {
  readonly isDry: boolean
  removed = 0
  refusals = 0
  /** of the last refusal */
  reasonCode = 0
  readonly #client: Client
  readonly #topics = new Set<string>()
  #settled: (() => void) | null = null

  constructor(client: Client, isDry: boolean) {
    this.#client = client
    this.isDry = isDry
  }

  get isPending(): boolean {
    return this.#topics.size > 0
  }

  remove(topicName: string): void {
    if (this.#topics.has(topicName)) return
    if (this.isDry) {
      this.removed++
      return
    }
    this.#topics.add(topicName)
    const message = Message.create(topicName, '', { qos: QoS.AT_LEAST_ONCE, retain: true })
    this.#client.send(message, (reasonCode) => {
      this.#topics.delete(topicName)
      if (reasonCode >= 0 && reasonCode < ReasonCode.UNSPECIFIED_ERROR) {
        this.removed++
      } else {
        this.refusals++
        this.reasonCode = reasonCode
      }
      if (this.#topics.size === 0) this.#settled?.()
    })
  }

  async settled(): Promise<void> {
    if (this.isPending) await new Promise<void>((resolve) => (this.#settled = resolve))
  }
}
