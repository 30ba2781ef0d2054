import { PacketType } from '../../codec/packet-type.ts'
import { RetainHandling, type SubscriptionRequest } from '../../codec/packets/subscribe.ts'
import { ProtocolVersion } from '../../codec/protocol-version.ts'
import { QoS } from '../../codec/qos.ts'
import { isSharedFilter } from '../../topic/topic-filter.ts'
import type { Context } from '../context.ts'
import type { ExitCode } from '../exit-code.ts'
import { UsageError } from '../failure.ts'
import { clientOptions, exclusiveClientOptions } from '../options/client-options.ts'
import { ValueError } from '../options/option-row.ts'
import { merged, type Parsed } from '../options/parse.ts'
import { propertiesFor } from '../options/property-argument.ts'
import type { subscribeRows } from '../options/subscribe.ts'
import { preferUrl, targetOf } from '../options/target.ts'
import { topicFilter as topicFilterKind } from '../options/values.ts'
import { withAuthentication } from './authentication.ts'
import { MessagePrinter } from './message-printer.ts'
import type { MessageSink, SinkOwner } from './message-sink.ts'
import type { MessageStep } from './message-steps.ts'
import { readPassword } from './password.ts'
import { type SubscribeOptions, type SubscribePlan, Subscriber } from './subscriber.ts'
import { withTls } from './tls.ts'

const DEFAULT_INTERVAL_MS = 1000

/** `mqtt-kit sub`: subscribes and prints messages, or does something else with them, until something ends it. */
export async function run(parsed: Parsed<typeof subscribeRows>, context: Context): Promise<ExitCode> {
  const typed = merged(parsed, exclusiveClientOptions)
  context.talk.quiet = typed.quiet ?? false
  const target = targetOf(parsed, context.environment)
  preferUrl(typed, parsed, target)
  const properties = [...(typed.property ?? []), ...(typed.prop ?? [])]
  const plan: SubscribePlan = {
    requests: requestsOf(typed, target.topic),
    subscribeProperties: propertiesFor(PacketType.SUBSCRIBE, properties),
    unsubscribe: typed.unsubscribe ?? [],
    unsubscribeProperties: propertiesFor(PacketType.UNSUBSCRIBE, properties),
    goodbye: { willOnExit: typed.willOnExit ?? false, properties: propertiesFor(PacketType.DISCONNECT, properties) },
    typed,
    steps: await stepsOf(typed, context),
    isLast: await lastMessage(typed),
  }
  const openSink = await sinkOf(typed, context)
  const password = await readPassword(target, context, false)
  const needsV5 = optionOfV5(typed) !== null
  const connectOptions = clientOptions(typed, { target, password, properties, reconnects: true, needsV5 })
  const options = await withTls(await withAuthentication(connectOptions, typed), typed, context)
  return new Subscriber(plan, options, context, openSink).run()
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
  checkTogether(typed)
  checkVersion(typed)
  const qos = qosOfEach(typed.qos ?? [QoS.AT_MOST_ONCE], filters)
  return filters.map((topicFilter, i) => {
    if (typed.noLocal && isSharedFilter(topicFilter)) {
      throw new UsageError(`--no-local does not go with the shared filter ${topicFilter}`)
    }
    return {
      topicFilter,
      qos: qos[i]!,
      noLocal: typed.noLocal ?? false,
      retainAsPublished: typed.retainAsPublished ?? false,
      retainHandling: retainHandlings[typed.retainHandling ?? 'always'],
    }
  })
}

function qosOfEach(qos: readonly QoS[], filters: readonly string[]): readonly QoS[] {
  if (qos.length === filters.length) return qos
  if (qos.length === 1) return filters.map(() => qos[0]!)
  const filterCount = filters.length === 1 ? '1 topic filter' : `${filters.length} topic filters`
  throw new UsageError(`-q is there ${qos.length} times for ${filterCount}: give it once, or once for each -t`)
}

function filterOfUrl(topic: string): string {
  try {
    return topicFilterKind.read(topic)
  } catch (error) {
    if (error instanceof ValueError) throw new UsageError(`the path of the URL: expected ${error.message}`)
    throw error
  }
}

function checkTogether(typed: SubscribeOptions): void {
  if (typed.hideRetained && typed.retainedOnly) throw new UsageError('give either -R or --retained-only, not both')
  if (typed.dryRun && !typed.removeRetained) throw new UsageError('--dry-run needs something to do: --remove-retained')
  const { tree, rate, exec, outputDir, json, format } = typed
  const wanted = Object.entries({ '--tree': tree, '--rate': rate, '--exec': exec, '--output-dir': outputDir })
  const given = [...wanted, ['--json', json], ['-F', format]].filter(([, value]) => value !== undefined)
  if (given.length > 1) throw new UsageError(`${given.map(([name]) => name).join(', ')} do not go together: give one`)
  if (typed.interval !== undefined && !tree && !rate) throw new UsageError('--interval belongs to --tree and --rate')
  if (typed.jobs !== undefined && exec === undefined) throw new UsageError('--jobs belongs to --exec')
  if (typed.pretty && format === undefined) throw new UsageError('--pretty belongs to %j and %J of -F')
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

async function stepsOf(typed: SubscribeOptions, context: Context): Promise<MessageStep[]> {
  const { changes, randomFilter, decode } = typed
  if (changes === undefined && randomFilter === undefined && decode === undefined) return []
  const steps = await import('./message-steps.ts')
  return [
    ...(changes ? [steps.onlyChanges()] : []),
    ...(randomFilter === undefined ? [] : [steps.sample(randomFilter)]),
    ...(decode === undefined ? [] : [await steps.decoded(decode, context)]),
  ]
}

async function lastMessage({ until }: SubscribeOptions): Promise<SubscribePlan['isLast']> {
  if (until === undefined) return null
  const [{ ConditionError, parseCondition }, { messageLookup, messageNames }] = await Promise.all([
    import('../input/condition.ts'),
    import('../output/message-lookup.ts'),
  ])
  try {
    const condition = parseCondition(until, messageNames)
    return (publish, count) => condition(messageLookup(publish, count))
  } catch (error) {
    if (error instanceof ConditionError) {
      throw new UsageError(`--until ${JSON.stringify(until)}: expected ${error.message}`)
    }
    throw error
  }
}

async function sinkOf(typed: SubscribeOptions, context: Context): Promise<(owner: SinkOwner) => MessageSink> {
  const { tree, rate, exec, jobs = 1, outputDir, interval = DEFAULT_INTERVAL_MS } = typed
  if (exec !== undefined) {
    const { CommandSink } = await import('./command-sink.ts')
    return (owner) => new CommandSink(exec, jobs, context, owner)
  }
  if (outputDir !== undefined) {
    const { DirectorySink } = await import('./directory-sink.ts')
    return (owner) => new DirectorySink(outputDir, owner)
  }
  if (tree || rate) {
    const { LiveSink } = await import('./live-sink.ts')
    const view = tree
      ? new (await import('../output/topic-tree.ts')).TopicTree()
      : new (await import('../output/rate-view.ts')).RateView()
    return (owner) => new LiveSink(view, interval, context, owner)
  }
  return (owner) => new MessagePrinter(typed, context, owner)
}
