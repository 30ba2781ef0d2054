import { randomBytes } from 'node:crypto'
import type { ClientOptions } from '../../client/client.ts'
import { formatAddress } from '../../transport/address.ts'
import type { Context } from '../context.ts'
import { greet } from '../diagnosis/connect-steps.ts'
import type { Finding } from '../diagnosis/finding.ts'
import { measuredLimits } from '../diagnosis/measured-limits.ts'
import { networkSteps } from '../diagnosis/network-steps.ts'
import { toldLimits } from '../diagnosis/told-limits.ts'
import { ExitCode } from '../exit-code.ts'
import { clientOptions } from '../options/client-options.ts'
import type { doctorRows } from '../options/doctor.ts'
import { readOperand } from '../options/operand.ts'
import { merged, type Parsed } from '../options/parse.ts'
import { preferUrl, targetOf } from '../options/target.ts'
import { topicName } from '../options/values.ts'
import { findingText } from '../output/findings.ts'
import { createPainter } from '../terminal.ts'
import { withAuthentication } from './authentication.ts'
import { readPassword } from './password.ts'
import { withTls } from './tls.ts'

/** For each single probe. */
const DEFAULT_PROBE_TIMEOUT_MS = 5_000
const TOPIC_BYTES = 6

/** `mqtt-kit doctor`: the way to the broker step by step, then what the broker allows. */
export async function run(parsed: Parsed<typeof doctorRows>, context: Context): Promise<ExitCode> {
  const typed = merged(parsed)
  const target = targetOf(parsed, context.environment)
  preferUrl(typed, parsed, target)
  const password = await readPassword(target, context, false)
  const timeoutMs = typed.probeTimeout ?? DEFAULT_PROBE_TIMEOUT_MS
  const plain = clientOptions(typed, { target, password, properties: [], reconnects: false, needsV5: true })
  const options = await withTls(
    await withAuthentication({ ...plain, connectTimeoutMs: timeoutMs }, typed),
    typed,
    context,
  )
  const root = typed.noMessages ? null : (typed.topic ?? topicOfUrl(target.topic) ?? randomTopic())
  const painter = await createPainter(context.terminal.stdoutColour)
  const findings: Finding[] = []
  for await (const finding of examine(options, timeoutMs, root)) {
    findings.push(finding)
    if (!typed.json) context.stdout.write(findingText(finding, painter))
  }
  const exitCode = findings.find(({ status }) => status === 'failed')?.exitCode ?? ExitCode.DONE
  if (typed.json) {
    context.stdout.write(`${JSON.stringify({ url: formatAddress(options.address), exitCode, findings })}\n`)
  }
  return exitCode
}

function topicOfUrl(topic: string | null): string | null {
  return topic === null ? null : readOperand(topicName, topic)
}

function randomTopic(): string {
  return `mqtt-kit/doctor/${randomBytes(TOPIC_BYTES).toString('hex')}`
}

/** @param root topic below which messages are tried; null: none are */
async function* examine(options: ClientOptions, timeoutMs: number, root: string | null): AsyncGenerator<Finding> {
  for await (const step of networkSteps(options, timeoutMs)) {
    yield step
    if (step.status === 'failed') return
  }
  const { findings, welcome } = await greet(options)
  yield* findings
  if (welcome === null) return
  yield* toldLimits(welcome, options)
  if (root !== null) yield* measuredLimits(welcome, options, root, timeoutMs)
}
