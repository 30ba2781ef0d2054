import { Client, type ClientOptions } from '../../client/client.ts'
import { PacketType } from '../../codec/packet-type.ts'
import type { Publish } from '../../codec/packets/publish.ts'
import type { Suback } from '../../codec/packets/suback.ts'
import { RetainHandling, type SubscriptionRequest } from '../../codec/packets/subscribe.ts'
import type { Unsuback } from '../../codec/packets/unsuback.ts'
import type { Properties } from '../../codec/property.ts'
import { ProtocolVersion } from '../../codec/protocol-version.ts'
import { QoS } from '../../codec/qos.ts'
import { formatReasonCode, ReasonCode } from '../../codec/reason-code.ts'
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
import { ConnectionReport, farewell } from './client-run.ts'
import { Ending, watchInterrupt, watchTimeout } from './ending.ts'
import { explain } from './explain.ts'
import { readPassword } from './password.ts'

type SubscribeOptions = Typed<typeof subscribeRows>

/** What to ask the broker for, and which messages to print. */
interface Plan {
  readonly requests: readonly SubscriptionRequest[]
  readonly subscribeProperties: Properties
  readonly unsubscribe: readonly string[]
  readonly unsubscribeProperties: Properties
  readonly filterOut: readonly string[]
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
    typed,
  }
  const password = await readPassword(typed, target, context, false)
  const options = clientOptions(typed, { target, password, properties, reconnects: true })
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
  const needsV5 = typed.noLocal
    ? '--no-local'
    : typed.retainAsPublished
      ? '--retain-as-published'
      : typed.retainHandling !== undefined
        ? '--retain-handling'
        : null
  if (needsV5 !== null) throw new UsageError(`${needsV5} needs MQTT 5.0, and -V asks for an older version`)
}

/** One run of `sub`. */
class Subscriber {
  readonly #plan: Plan
  readonly #context: Context
  readonly #where: string
  readonly #client: Client
  readonly #report: ConnectionReport
  readonly #ending = new Ending()
  readonly #format: MessageFormat
  readonly #printed: TurnBuffer
  #count = 0
  #isSubscribed = false

  constructor(plan: Plan, options: ClientOptions, context: Context) {
    const { typed } = plan
    this.#plan = plan
    this.#context = context
    this.#where = formatAddress(options.address)
    this.#format = typed.json
      ? new JsonLinesFormat(() => new Date())
      : new TextFormat(typed.verbose ?? false, !typed.noNewline)
    this.#report = new ConnectionReport(context, options, typed.debug ?? false)
    this.#client = new Client(options, {
      ...this.#report.handler,
      message: (publish) => this.#receive(publish),
      closed: (error) => {
        if (error !== null) this.#ending.fail(explain(error, this.#where))
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
      await farewell(this.#client, this.#report.version, typed.willOnExit ?? false)
    }
  }

  async #subscribe(): Promise<void> {
    const { requests, subscribeProperties, unsubscribe, unsubscribeProperties, typed } = this.#plan
    try {
      await this.#client.connect()
      if (unsubscribe.length > 0)
        this.#reportUnsuback(await this.#client.unsubscribe(unsubscribe, unsubscribeProperties))
      if (requests.length > 0) this.#judgeSuback(await this.#client.subscribe(requests, subscribeProperties))
    } catch (error) {
      throw error instanceof Failure ? error : explain(error, this.#where)
    }
    this.#isSubscribed = true
    if (typed.exitAfterSuback) this.#end()
  }

  #judgeSuback({ codes, properties }: Suback): void {
    const refused = codes.filter((code) => code >= ReasonCode.UNSPECIFIED_ERROR).length
    const reason = properties.reasonString === undefined ? '' : ` (${JSON.stringify(properties.reasonString)})`
    const refusals = this.#plan.requests.flatMap(({ topicFilter }, i) => {
      const code = codes[i]!
      if (code < ReasonCode.UNSPECIFIED_ERROR) return []
      return [`${JSON.stringify(topicFilter)}: ${formatReasonCode(code, PacketType.SUBACK)}`]
    })
    if (refused === 0) return
    const text = `${this.#where} refused to subscribe to ${refusals.join(', ')}${reason}`
    if (refused === codes.length) throw new Failure(ExitCode.SUBSCRIBE_REFUSED, text)
    this.#context.talk.say(`${text}; going on with the others`)
  }

  #reportUnsuback({ codes }: Unsuback): void {
    for (const [i, code] of codes.entries()) {
      if (code === ReasonCode.SUCCESS) continue
      const filter = JSON.stringify(this.#plan.unsubscribe[i])
      this.#context.talk.say(`unsubscribe from ${filter}: ${formatReasonCode(code, PacketType.UNSUBACK)}`)
    }
  }

  #receive(publish: Publish): void {
    if (this.#ending.isOver) return
    const { typed, filterOut } = this.#plan
    const { topicName, retain } = publish.message
    if (filterOut.some((filter) => matches(filter, topicName))) return
    if (retain && typed.hideRetained) return
    if (!retain && typed.retainedOnly) return this.#end()
    this.#format.append(publish, this.#printed)
    if (++this.#count === typed.count) this.#end()
  }

  // All that was asked for has come; what else is on the way is not looked at.
  #end(): void {
    this.#client.pauseMessages()
    this.#ending.with(ExitCode.DONE)
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
