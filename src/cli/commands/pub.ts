import { Message } from '../../codec/message.ts'
import { PacketType } from '../../codec/packet-type.ts'
import type { Properties } from '../../codec/property.ts'
import { ProtocolVersion } from '../../codec/protocol-version.ts'
import { QoS } from '../../codec/qos.ts'
import { ProtocolViolation } from '../../codec/violation.ts'
import type { Context } from '../context.ts'
import type { ExitCode } from '../exit-code.ts'
import { UsageError } from '../failure.ts'
import { maximumPayloadBytes, readPayload } from '../input/one-payload.ts'
import { type PayloadSource, RepeatedPayload, StreamedPayloads } from '../input/payload-source.ts'
import { clientOptions, exclusiveClientOptions, targetOf } from '../options/client-options.ts'
import { type Typed, ValueError } from '../options/option-row.ts'
import { merged, type Parsed } from '../options/parse.ts'
import { propertiesFor } from '../options/property-argument.ts'
import type { publishRows } from '../options/publish.ts'
import { topicName as topicNameKind } from '../options/values.ts'
import { withAuthentication } from './authentication.ts'
import { dryRun } from './dry-run.ts'
import { inTime } from './ending.ts'
import { readPassword } from './password.ts'
import { Publisher } from './publisher.ts'
import { withTls } from './tls.ts'

type PublishOptions = Typed<typeof publishRows>

const NEWLINE = 0x0a
const NUL = 0

/** `mqtt-kit pub`: publishes what -m, -f, -n, -s, -l or --null-lines give, and ends when it is acknowledged. */
export async function run(parsed: Parsed<typeof publishRows>, context: Context): Promise<ExitCode> {
  const typed = merged(parsed, exclusiveClientOptions)
  context.talk.quiet = typed.quiet ?? false
  checkSources(typed)
  const target = targetOf(parsed, context.environment)
  const properties = [...(typed.property ?? []), ...(typed.prop ?? [])]
  const template = templateOf(typed, topicOf(typed, target.topic), propertiesFor(PacketType.PUBLISH, properties))
  const goodbye = {
    willOnExit: typed.willOnExit ?? false,
    properties: propertiesFor(PacketType.DISCONNECT, properties),
  }
  const password = await readPassword(typed, target, context, usesStdin(typed))
  const connectOptions = clientOptions(typed, {
    target,
    password,
    properties,
    reconnects: isStream(typed),
    needsV5: false,
  })
  const options = await withTls(await withAuthentication(connectOptions, typed), typed, context.environment)
  const maximumBytes = maximumPayloadBytes(template)
  const source = await inTime(openSource(typed, context, maximumBytes), typed.timeout, 'the payload has not come')
  if (typed.dryRun) return dryRun(source, template, options.version ?? ProtocolVersion.V5, context)
  return new Publisher(source, template, options, typed, goodbye, context).run()
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

function topicOf(typed: PublishOptions, topicOfUrl: string | null): string {
  if (typed.topic !== undefined) return typed.topic
  if (topicOfUrl === null) throw new UsageError('there is no topic: add -t TOPIC')
  try {
    return topicNameKind.read(topicOfUrl)
  } catch (error) {
    if (error instanceof ValueError) throw new UsageError(`the path of the URL: expected ${error.message}`)
    throw error
  }
}

function isStream(typed: PublishOptions): boolean {
  return typed.lines === true || typed.nullLines === true
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
  ]
  if (given.length === 0) {
    throw new UsageError('there is no payload: add -m TEXT, -f FILE, -s, -l, or -n for an empty one')
  }
  if (given.length > 1) throw new UsageError(`there are several payloads (${given.join(', ')}): give one`)
  if (isStream(typed) && (typed.repeat !== undefined || typed.repeatDelay !== undefined)) {
    throw new UsageError(`--repeat and --repeat-delay do not go with ${given[0]}`)
  }
}

async function openSource(typed: PublishOptions, context: Context, maximumBytes: number): Promise<PayloadSource> {
  if (isStream(typed)) {
    return new StreamedPayloads(context.streams.stdin, typed.lines ? NEWLINE : NUL, maximumBytes)
  }
  const payload = await readPayload(typed, context, maximumBytes)
  return new RepeatedPayload(payload, typed.repeat ?? 1, typed.repeatDelay ?? 0)
}
