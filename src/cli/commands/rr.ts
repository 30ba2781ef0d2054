import { randomBytes } from 'node:crypto'
import type { ClientOptions } from '../../client/client.ts'
import { PacketType } from '../../codec/packet-type.ts'
import type { Properties } from '../../codec/property.ts'
import { ProtocolVersion } from '../../codec/protocol-version.ts'
import type { Context } from '../context.ts'
import type { ExitCode } from '../exit-code.ts'
import { UsageError } from '../failure.ts'
import { clientOptions, exclusiveClientOptions } from '../options/client-options.ts'
import { readOperand } from '../options/operand.ts'
import { merged, type Parsed } from '../options/parse.ts'
import { propertiesFor } from '../options/property-argument.ts'
import type { requestRows } from '../options/request.ts'
import { preferUrl, targetOf } from '../options/target.ts'
import { topicFilter, topicName } from '../options/values.ts'
import { withAuthentication } from './authentication.ts'
import { readPassword } from './password.ts'
import type { RequestOptions, RequestPlan } from './request-plan.ts'
import { Requester } from './requester.ts'
import { Responder } from './responder.ts'
import { withTls } from './tls.ts'

const RESPONSE_TOPIC_BYTES = 8

/** `mqtt-kit rr`: asks and prints the response, or with --serve answers. */
export async function run(parsed: Parsed<typeof requestRows>, context: Context): Promise<ExitCode> {
  const typed = merged(parsed, exclusiveClientOptions)
  context.talk.quiet = typed.quiet ?? false
  checkTogether(typed)
  const target = targetOf(parsed, context.environment)
  preferUrl(typed, parsed, target)
  const topic = topicOf(typed, target.topic)
  const properties = [...(typed.property ?? []), ...(typed.prop ?? [])]
  const publishProperties = propertiesFor(PacketType.PUBLISH, properties)
  checkProperties(typed, publishProperties)
  const password = await readPassword(target, context, typed.stdin === true || typed.file?.[0] === '-')
  const connectOptions = clientOptions(typed, {
    target,
    password,
    properties,
    // a request that was lost with its connection is not asked again
    reconnects: typed.serve !== undefined,
    needsV5: typed.responseTopic === undefined,
  })
  const asksForTopic = typed.serve === undefined && typed.responseTopic === undefined
  const plan: RequestPlan = {
    typed,
    topic,
    publishProperties,
    subscribeProperties: propertiesFor(PacketType.SUBSCRIBE, properties),
    goodbye: { willOnExit: typed.willOnExit ?? false, properties: propertiesFor(PacketType.DISCONNECT, properties) },
    options: await withTls(
      await withAuthentication(asksForTopic ? askingForTopic(connectOptions) : connectOptions, typed),
      typed,
      context,
    ),
  }
  if (typed.serve !== undefined) return new Responder(plan, typed.serve, context).run()
  const responseTopic = typed.responseTopic ?? `mqtt-kit/response/${randomBytes(RESPONSE_TOPIC_BYTES).toString('hex')}`
  return (await Requester.create(plan, responseTopic, context)).run()
}

// 5.0 section 3.1.2.11.6: whether the broker has something to say is its own affair
function askingForTopic(options: ClientOptions): ClientOptions {
  return { ...options, connectProperties: { requestResponseInformation: 1, ...options.connectProperties } }
}

function checkTogether(typed: RequestOptions): void {
  const given = [
    ...(typed.message ?? []).map(() => '-m'),
    ...(typed.file ?? []).map(() => '-f'),
    ...(typed.null ? ['-n'] : []),
    ...(typed.stdin ? ['-s'] : []),
    ...(typed.serve === undefined ? [] : ['--serve']),
  ]
  if (given.length === 0) {
    throw new UsageError('there is no request: add -m TEXT, -f FILE, -s, or -n for an empty one; --serve CMD answers')
  }
  if (given.length > 1) throw new UsageError(`${given.join(', ')} do not go together: give one`)
  const requestOnly = typed.latency ? '--latency' : typed.noCorrelation ? '--no-correlation' : null
  if (typed.serve !== undefined && requestOnly !== null) throw new UsageError(`${requestOnly} does not go with --serve`)
  const isV5 = (typed.protocolVersion ?? ProtocolVersion.V5) === ProtocolVersion.V5
  if (!isV5 && typed.responseTopic === undefined) {
    throw new UsageError('before MQTT 5.0 a request cannot name its response topic: add -e TOPIC, known to both sides')
  }
}

// Both properties are what the command is about: it sets and checks them itself.
function checkProperties(typed: RequestOptions, { responseTopic, correlationData }: Properties): void {
  if (responseTopic !== undefined) throw new UsageError('the response topic is given with -e, not as a property')
  if (correlationData === undefined) return
  if (typed.serve !== undefined) throw new UsageError('a response carries the correlation data of its request')
  if (typed.noCorrelation) throw new UsageError('--no-correlation does not go with the property correlation-data')
  if ((typed.count ?? 1) > 1) throw new UsageError('correlation-data of your own tells one request only: -C 1')
}

function topicOf(typed: RequestOptions, topicOfUrl: string | null): string {
  const topic = typed.topic ?? topicOfUrl
  if (topic === null) throw new UsageError('there is no topic: add -t TOPIC')
  return readOperand(typed.serve === undefined ? topicName : topicFilter, topic)
}
