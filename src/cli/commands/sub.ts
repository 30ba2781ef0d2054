import type { Client, ClientOptions } from '../../client/client.ts'
import { PacketType } from '../../codec/packet-type.ts'
import type { Publish } from '../../codec/packets/publish.ts'
import type { Suback } from '../../codec/packets/suback.ts'
import { RetainHandling, type SubscriptionRequest } from '../../codec/packets/subscribe.ts'
import type { Unsuback } from '../../codec/packets/unsuback.ts'
import type { Properties } from '../../codec/property.ts'
import { ProtocolVersion } from '../../codec/protocol-version.ts'
import { QoS } from '../../codec/qos.ts'
import { formatReasonCode, ReasonCode } from '../../codec/reason-code.ts'
import { ProtocolViolation } from '../../codec/violation.ts'
import { isSharedFilter, matches } from '../../topic/topic-filter.ts'
import { formatAddress } from '../../transport/address.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import { clientOptions, exclusiveClientOptions, targetOf } from '../options/client-options.ts'
import { type Typed, ValueError } from '../options/option-row.ts'
import { merged, type Parsed } from '../options/parse.ts'
import { propertiesFor } from '../options/property-argument.ts'
import type { subscribeRows } from '../options/subscribe.ts'
import { topicFilter as topicFilterKind } from '../options/values.ts'
import { JsonLinesFormat } from '../output/json-lines.ts'
import type { MessageFormat } from '../output/message-format.ts'
import { TextFormat } from '../output/text.ts'
import { TurnBuffer } from '../output/turn-buffer.ts'
import { withAuthentication } from './authentication.ts'
import { ConnectionReport, createClient, farewell, type Goodbye, sayGoodbye } from './client-run.ts'
import { Ending, watchInterrupt, watchTimeout } from './ending.ts'
import { explain } from './explain.ts'
import { readPassword } from './password.ts'
import { withTls } from './tls.ts'

type SubscribeOptions = Typed<typeof subscribeRows>

/** What to ask the broker for, and which messages to print. */
interface Plan {
  readonly requests: readonly SubscriptionRequest[]
  readonly subscribeProperties: Properties
  readonly unsubscribe: readonly string[]
  readonly unsubscribeProperties: Properties
  readonly filterOut: readonly string[]
  readonly goodbye: Goodbye
  readonly typed: SubscribeOptions
}

/** `mqtt-kit sub`: subscribes and prints messages until something ends it. */
export async function run(parsed: Parsed<typeof subscribeRows>, context: Context): Promise<ExitCode> {
  const typed = merged(parsed, exclusiveClientOptions)
  context.talk.quiet = typed.quiet ?? false
  const target = targetOf(parsed, context.environment)
  const properties = [...(typed.property ?? []), ...(typed.prop ?? [])]
  const plan: Plan = {
    requests: requestsOf(typed, target.topic),
    subscribeProperties: propertiesFor(PacketType.SUBSCRIBE, properties),
    unsubscribe: typed.unsubscribe ?? [],
    unsubscribeProperties: propertiesFor(PacketType.UNSUBSCRIBE, properties),
    filterOut: typed.filterOut ?? [],
    goodbye: { willOnExit: typed.willOnExit ?? false, properties: propertiesFor(PacketType.DISCONNECT, properties) },
    typed,
  }
  const password = await readPassword(typed, target, context, false)
  const needsV5 = optionOfV5(typed) !== null
  const connectOptions = clientOptions(typed, { target, password, properties, reconnects: true, needsV5 })
  const options = await withTls(await withAuthentication(connectOptions, typed), typed, context.environment)
  return new Subscriber(plan, options, context).run()
}

const retainHandlings = {
  always: RetainHandling.ALWAYS,
  new: RetainHandling.IF_NEW,
  never: RetainHandling.NEVER,
} as const

function requestsOf(typed: SubscribeOptions, topicOfUrl: string | null): SubscriptionRequest[] {
  const filters = typed.topic ?? (topicOfUrl === null ? [] : [filterOfUrl(topicOfUrl)])
  if (filters.length === 0 && typed.unsubscribe === undefined) {
    throw new UsageError('there is no topic filter: add -t FILTER')
  }
  if (typed.hideRetained && typed.retainedOnly) throw new UsageError('give either -R or --retained-only, not both')
  checkVersion(typed)
  return filters.map((topicFilter) => {
    if (typed.noLocal && isSharedFilter(topicFilter)) {
      throw new UsageError(`--no-local does not go with the shared filter ${topicFilter}`)
    }
    return {
      topicFilter,
      qos: typed.qos ?? QoS.AT_MOST_ONCE,
      noLocal: typed.noLocal ?? false,
      retainAsPublished: typed.retainAsPublished ?? false,
      retainHandling: retainHandlings[typed.retainHandling ?? 'always'],
    }
  })
}

function filterOfUrl(topic: string): string {
  try {
    return topicFilterKind.read(topic)
  } catch (error) {
    if (error instanceof ValueError) throw new UsageError(`the path of the URL: expected ${error.message}`)
    throw error
  }
}

function checkVersion(typed: SubscribeOptions): void {
  if ((typed.protocolVersion ?? ProtocolVersion.V5) === ProtocolVersion.V5) return
  const option = optionOfV5(typed)
  if (option !== null) throw new UsageError(`${option} needs MQTT 5.0, and -V asks for an older version`)
}

// What was typed that older versions do not have.
function optionOfV5(typed: SubscribeOptions): string | null {
  if (typed.noLocal) return '--no-local'
  if (typed.retainAsPublished) return '--retain-as-published'
  return typed.retainHandling === undefined ? null : '--retain-handling'
}

/** One run of `sub`. */
class Subscriber {
  readonly #plan: Plan
  readonly #context: Context
  readonly #where: string
  readonly #client: Client
  readonly #ending = new Ending()
  readonly #format: MessageFormat
  readonly #printed: TurnBuffer
  #count = 0
  #isConnected = false
  #isSubscribed = false

  constructor(plan: Plan, options: ClientOptions, context: Context) {
    const { typed } = plan
    this.#plan = plan
    this.#context = context
    this.#where = formatAddress(options.address)
    this.#format = typed.json
      ? new JsonLinesFormat(() => new Date())
      : new TextFormat(typed.verbose ?? false, !typed.noNewline)
    this.#client = createClient(options, {
      ...new ConnectionReport(context, options, typed.debug ?? false).handler,
      message: (publish) => this.#receive(publish),
      resubscribed: (filters, suback) => this.#resubscribed(filters, suback),
      closed: (error) => {
        if (error !== null) this.#ending.fail(explain(error, this.#where, this.#isConnected))
      },
    })
    this.#printed = new TurnBuffer(context.stdout, () => this.#client.pauseMessages())
  }

  async run(): Promise<ExitCode> {
    const { typed } = this.#plan
    const stopWatch = watchTimeout(this.#ending, typed.timeout, () => this.#progress())
    watchInterrupt(this.#ending, this.#context, () => !this.#isSubscribed || typed.count !== undefined)
    this.#context.stdout.handler = {
      drained: () => {
        if (!this.#ending.isOver) this.#client.resumeMessages()
      },
      failed: (error) => this.#outputFailed(error),
    }
    this.#subscribe().catch((error) => this.#ending.fail(error))
    try {
      return await this.#ending.ended
    } finally {
      stopWatch()
      this.#printed.flush()
      await farewell(this.#client, this.#plan.goodbye)
    }
  }

  async #subscribe(): Promise<void> {
    const { requests, subscribeProperties, unsubscribe, unsubscribeProperties, typed } = this.#plan
    try {
      await this.#client.connect()
      this.#isConnected = true
      if (unsubscribe.length > 0)
        this.#reportUnsuback(await this.#client.unsubscribe(unsubscribe, unsubscribeProperties))
      if (requests.length > 0) {
        const filters = requests.map(({ topicFilter }) => topicFilter)
        this.#judgeSuback(filters, await this.#client.subscribe(requests, subscribeProperties))
      }
    } catch (error) {
      if (error instanceof ProtocolViolation && error.ours) throw new UsageError(error.message)
      throw error instanceof Failure ? error : explain(error, this.#where)
    }
    this.#isSubscribed = true
    if (typed.exitAfterSuback) this.#end()
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
      this.#ending.fail(error)
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
    if (this.#ending.isOver) return this.#leave()
    const { typed, filterOut } = this.#plan
    const { topicName, retain } = publish.message
    if (filterOut.some((filter) => matches(filter, topicName))) return
    if (retain && typed.hideRetained) return
    if (!retain && typed.retainedOnly) return this.#end()
    this.#format.append(publish, this.#printed)
    if (++this.#count === typed.count) this.#end()
  }

  // All that was asked for has come.
  #end(): void {
    this.#client.pauseMessages()
    this.#ending.with(ExitCode.DONE)
  }

  // One message too many. Leaving within this call, before it is acknowledged, keeps it and those behind it at the broker
  // for the next time; the last one printed was acknowledged when its own call returned.
  #leave(): void {
    sayGoodbye(this.#client, this.#plan.goodbye).catch((error) => this.#ending.fail(error))
  }

  #outputFailed(error: Error | null): void {
    // the reader has gone: it has all it wanted
    if (error === null) return this.#end()
    this.#ending.fail(new Failure(ExitCode.OUTPUT, `cannot write to stdout: ${error.message}`, error))
  }

  #progress(): string {
    const { count } = this.#plan.typed
    if (!this.#isSubscribed) return `${this.#where} has not answered yet`
    return count === undefined ? `${this.#count} messages came` : `${this.#count} of ${count} messages came`
  }
}
