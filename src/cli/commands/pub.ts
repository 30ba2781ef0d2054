import { Message } from '../../codec/message.ts'
import { PacketType } from '../../codec/packet-type.ts'
import type { Properties } from '../../codec/property.ts'
import { ProtocolVersion } from '../../codec/protocol-version.ts'
import { QoS } from '../../codec/qos.ts'
import { ProtocolViolation } from '../../codec/violation.ts'
import type { Context } from '../context.ts'
import type { ExitCode } from '../exit-code.ts'
import { UsageError } from '../failure.ts'
import { MadeMessages, type MessageMaker, type MessageSource } from '../input/message-source.ts'
import { withPayload } from '../input/message-template.ts'
import { maximumPayloadBytes, readPayload } from '../input/one-payload.ts'
import { type PayloadSource, RepeatedPayload, StreamedPayloads } from '../input/payload-source.ts'
import { clientOptions, exclusiveClientOptions } from '../options/client-options.ts'
import { ValueError } from '../options/option-row.ts'
import { merged, type Parsed } from '../options/parse.ts'
import { propertiesFor } from '../options/property-argument.ts'
import type { publishRows } from '../options/publish.ts'
import { preferUrl, targetOf } from '../options/target.ts'
import { topicName as topicNameKind } from '../options/values.ts'
import { withAuthentication } from './authentication.ts'
import { dryRun } from './dry-run.ts'
import { inTime } from './ending.ts'
import { readPassword } from './password.ts'
import { isStream, Publisher, type PublishOptions } from './publisher.ts'
import { withTls } from './tls.ts'

const NEWLINE = 0x0a
const NUL = 0

/** The longest line of --json-lines: the largest payload in base64, and more than enough for the rest. */
const MAXIMUM_JSON_BYTES = 400_000_000
/** Stands where each message brings its own Topic Name. */
const ANY_TOPIC = '-'

/** `mqtt-kit pub`: publishes what the source that was asked for gives, and ends when it is acknowledged. */
export async function run(parsed: Parsed<typeof publishRows>, context: Context): Promise<ExitCode> {
  const typed = merged(parsed, exclusiveClientOptions)
  context.talk.quiet = typed.quiet ?? false
  checkSources(typed)
  const target = targetOf(parsed, context.environment)
  preferUrl(typed, parsed, target)
  const properties = [...(typed.property ?? []), ...(typed.prop ?? [])]
  const topicName = topicOf(typed, target.topic)
  const template = templateOf(typed, topicName ?? ANY_TOPIC, propertiesFor(PacketType.PUBLISH, properties))
  const goodbye = {
    willOnExit: typed.willOnExit ?? false,
    properties: propertiesFor(PacketType.DISCONNECT, properties),
  }
  const password = await readPassword(target, context, usesStdin(typed))
  const connectOptions = clientOptions(typed, {
    target,
    password,
    properties,
    reconnects: isStream(typed),
    needsV5: false,
  })
  const options = await withTls(await withAuthentication(connectOptions, typed), typed, context)
  const maximumBytes = typed.jsonLines ? MAXIMUM_JSON_BYTES : maximumPayloadBytes(template)
  const payloads = await inTime(openSource(typed, context, maximumBytes), typed.timeout, 'the payload has not come')
  const source = await messagesOf(typed, payloads, template, topicName)
  if (typed.dryRun) return dryRun(source, options.version ?? ProtocolVersion.V5, context)
  const isOneTopic = typed.topicLines === undefined && !typed.jsonLines && !typed.template
  return new Publisher(source, isOneTopic ? topicName : null, options, typed, goodbye, context).run()
}

function templateOf(typed: PublishOptions, topicName: string, properties: Properties): Message {
  try {
    return Message.create(topicName, '', {
      qos: typed.qos ?? QoS.AT_MOST_ONCE,
      retain: typed.retain ?? false,
      properties,
    })
  } catch (error) {
    if (error instanceof ProtocolViolation) throw new UsageError(error.message)
    throw error
  }
}

// null: each message brings its own
function topicOf(typed: PublishOptions, topicOfUrl: string | null): string | null {
  if (typed.topicLines !== undefined) {
    if (typed.topic !== undefined) throw new UsageError('with --topic-lines each line has its topic: leave out -t')
    return null
  }
  if (typed.topic !== undefined) return typed.topic
  if (topicOfUrl !== null) return topicInUrl(topicOfUrl)
  if (typed.jsonLines) return null
  throw new UsageError('there is no topic: add -t TOPIC')
}

function topicInUrl(topic: string): string {
  try {
    return topicNameKind.read(topic)
  } catch (error) {
    if (error instanceof ValueError) throw new UsageError(`the path of the URL: expected ${error.message}`)
    throw error
  }
}

function usesStdin(typed: PublishOptions): boolean {
  return isStream(typed) || typed.stdin === true || typed.file?.[0] === '-'
}

function checkSources(typed: PublishOptions): void {
  const given = [
    ...(typed.message ?? []).map(() => '-m'),
    ...(typed.file ?? []).map(() => '-f'),
    ...(typed.null ? ['-n'] : []),
    ...(typed.stdin ? ['-s'] : []),
    ...(typed.lines ? ['-l'] : []),
    ...(typed.nullLines ? ['--null-lines'] : []),
    ...(typed.jsonLines ? ['--json-lines'] : []),
    ...(typed.topicLines === undefined ? [] : ['--topic-lines']),
    ...(typed.size === undefined ? [] : ['--size']),
  ]
  if (given.length === 0) {
    throw new UsageError('there is no payload: add -m TEXT, -f FILE, -s, -l, or -n for an empty one')
  }
  if (given.length > 1) throw new UsageError(`there are several payloads (${given.join(', ')}): give one`)
  if (isStream(typed) && (typed.repeat !== undefined || typed.repeatDelay !== undefined)) {
    throw new UsageError(`--repeat and --repeat-delay do not go with ${given[0]}`)
  }
  if (typed.timing !== undefined && !typed.jsonLines) throw new UsageError('--timing belongs to --json-lines')
  if (typed.timing !== undefined && typed.rate !== undefined) throw new UsageError('give either --timing or --rate')
  if (typed.topicLines === '') throw new UsageError('--topic-lines needs a separator of at least one character')
  if (typed.jsonLines && (typed.template || typed.encode !== undefined)) {
    throw new UsageError('--template and --encode do not go with --json-lines, whose payloads are complete')
  }
}

async function openSource(typed: PublishOptions, context: Context, maximumBytes: number): Promise<PayloadSource> {
  if (isStream(typed)) {
    return new StreamedPayloads(context.streams.stdin, typed.nullLines ? NUL : NEWLINE, maximumBytes)
  }
  const payload = await readPayload(typed, context, maximumBytes)
  return new RepeatedPayload(payload, typed.repeat ?? 1, typed.repeatDelay ?? 0)
}

// What only some messages need is loaded for them alone.
async function messagesOf(
  typed: PublishOptions,
  payloads: PayloadSource,
  template: Message,
  topicName: string | null,
): Promise<MessageSource> {
  const { timing, rate, encode, topicLines: topicSeparator, template: isTemplate = false } = typed
  let receivedAtMs: number | null = null
  let make: MessageMaker = (bytes) => withPayload(template, bytes)
  if (typed.jsonLines) {
    const { jsonMessageMaker } = await import('../input/message-maker.ts')
    const { qos, retain, properties } = template
    make = jsonMessageMaker({ topicName, qos, retain, properties }, (atMs) => (receivedAtMs = atMs))
  } else if (isTemplate || encode !== undefined || topicSeparator !== undefined) {
    const { messageMaker } = await import('../input/message-maker.ts')
    make = messageMaker(template, { isTemplate, encoding: encode, topicSeparator })
  }
  const made = new MadeMessages(payloads, make)
  if (rate === undefined && (timing === undefined || timing === Number.POSITIVE_INFINITY)) return made
  const { PacedMessages } = await import('../input/paced-messages.ts')
  if (rate !== undefined) return new PacedMessages(made, (_, index) => (index * 1000) / rate)
  return new PacedMessages(
    made,
    recordedTimes(timing!, () => receivedAtMs),
  )
}

// Without a time a message follows at once on the one before.
function recordedTimes(speed: number, receivedAtMs: () => number | null): () => number {
  let firstMs: number | null = null
  let dueMs = 0
  return () => {
    const atMs = receivedAtMs()
    if (atMs === null) return dueMs
    firstMs ??= atMs
    dueMs = Math.max(dueMs, (atMs - firstMs) / speed)
    return dueMs
  }
}
