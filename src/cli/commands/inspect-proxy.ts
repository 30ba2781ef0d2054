import { randomInt } from 'node:crypto'
import { CaptureFile, SERVER_PORT } from '../../insight/tcp-capture.ts'
import type { Faults } from '../../proxy/faults.ts'
import { defaultProxyLimits } from '../../proxy/limits.ts'
import { PacketTap, ShownBytes } from '../../proxy/packet-tap.ts'
import { MqttProxy, type ProxyObserver } from '../../proxy/proxy.ts'
import { type Address, formatAddress, parseAddress } from '../../transport/address.ts'
import type { TlsClientTerms } from '../../transport/tls-terms.ts'
import { readServerTls, readTlsClientTerms } from '../configuration/tls-files.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import { checkCertificate } from '../options/broker-options.ts'
import type { inspectProxyRows } from '../options/inspect-proxy.ts'
import { longName, type Typed } from '../options/option-row.ts'
import { merged, type Parsed } from '../options/parse.ts'
import { tlsClientOptions } from '../options/tls.ts'
import { endText, ProxyCounts } from '../output/proxy-log.ts'
import { ProxyOutput } from '../output/proxy-output.ts'
import { createPainter } from '../terminal.ts'
import { announce, forgetReady, listeningFailure, tellClients } from './listening.ts'
import { type MakeRecord, recordFrames, recordInto } from './proxy-record.ts'

const DEFAULT_WRITE_LIMIT_BYTES = 104_857_600
const SEEDS = 0x1_0000_0000

type ProxyTyped = Typed<typeof inspectProxyRows>

/** `mqtt-kit inspect proxy`: shows what passes between clients and a broker, until a signal comes. */
export async function run(parsed: Parsed<typeof inspectProxyRows>, context: Context): Promise<ExitCode> {
  const typed = merged(parsed)
  const { talk, environment } = context
  talk.quiet = typed.quiet ?? false
  const { to, listen } = addressesOf(typed, parsed.operands)
  const faults = faultsOf(typed)
  const serverTls = await readServerTls(typed, environment)
  const clientTls = await readTlsOfBroker(to, parsed, context)
  await forgetReady(typed.readyFile)
  let finish = (): void => {}
  const over = new Promise<void>((resolve) => {
    finish = resolve
  })
  context.onInterrupt(finish)
  const counts = new ProxyCounts()
  const output = await ProxyOutput.open(
    typed,
    await createPainter(context.terminal.stdoutColour),
    context,
    counts,
    finish,
  )
  const capture = await openCapture(typed, to, context)
  const observer = watch(typed, to, capture === null ? recordFrames() : recordInto(capture), output, counts)
  try {
    const options = { listen, to, serverTls: serverTls?.terms ?? null, clientTls, faults, observer }
    const proxy = await MqttProxy.open(options).catch((error: unknown) => {
      throw listeningFailure(error)
    })
    output.hold = (isHeld) => proxy.hold(isHeld)
    try {
      await announce({ listeners: proxy.urls }, typed, context)
      const { development = null } = serverTls ?? {}
      if (development !== null) tellClients(development, proxy.urls, context)
      await over
    } finally {
      await proxy.close()
    }
    await output.end()
    talk.say(counts.summary(isRandom(faults) ? faults.seed : null))
    return ExitCode.DONE
  } finally {
    await capture?.close()
  }
}

function addressesOf(typed: ProxyTyped, operands: readonly string[]): { to: Address; listen: Address[] } {
  const [operand] = operands
  const { to, listen = [] } = typed
  if (operand !== undefined) throw new UsageError(`unexpected argument ${JSON.stringify(operand)}`)
  if (listen.length === 0) throw new UsageError('where do clients connect? Add --listen PORT')
  if (to === undefined) throw new UsageError('where is the broker? Add --to mqtt://HOST:PORT')
  checkCertificate(typed, listen)
  return { to, listen: listen.map((url) => parseAddress(url, { host: '127.0.0.1' }).address) }
}

function faultsOf(typed: ProxyTyped): Faults {
  const { drop = [], duplicate = [], delay = [], cutAfter = [], pause, pauseEvery, seed } = typed
  if ((pause === undefined) !== (pauseEvery === undefined)) {
    throw new UsageError('--pause says how long nothing passes and --pause-every how often: give both')
  }
  if (pause !== undefined && pause >= pauseEvery!) throw new UsageError('--pause has to be shorter than --pause-every')
  return {
    drop,
    duplicate,
    delay,
    pause: pause === undefined ? null : { lengthMs: pause, everyMs: pauseEvery! },
    cut: cutAfter,
    seed: seed ?? randomInt(SEEDS),
  }
}

// Is anything drawn, so that the seed matters?
function isRandom({ drop, duplicate, delay }: Faults): boolean {
  return (
    [...drop, ...duplicate].some(({ probability }) => probability > 0 && probability < 1) ||
    delay.some(({ minimumMs, maximumMs }) => minimumMs < maximumMs)
  )
}

async function readTlsOfBroker(
  { scheme }: Address,
  { flags, environment: fromEnvironment }: Parsed<typeof inspectProxyRows>,
  { environment }: Context,
): Promise<TlsClientTerms> {
  const isSecure = scheme === 'mqtts' || scheme === 'wss'
  const keys = Object.keys(tlsClientOptions) as (keyof typeof tlsClientOptions & keyof ProxyTyped)[]
  const orphan = isSecure ? undefined : keys.find((key) => flags[key] !== undefined)
  if (orphan !== undefined) throw new UsageError(`--${longName(orphan)} needs TLS: --to mqtts:// or wss://`)
  return isSecure ? readTlsClientTerms({ ...fromEnvironment, ...flags }, environment) : {}
}

async function openCapture(
  { write: path, writeLimit }: ProxyTyped,
  to: Address,
  { talk }: Context,
): Promise<CaptureFile | null> {
  if (path === undefined) {
    if (writeLimit !== undefined) throw new UsageError('--write-limit is for --write FILE: add it')
    return null
  }
  const maximumBytes = writeLimit ?? DEFAULT_WRITE_LIMIT_BYTES
  const ended = (why: string): void => talk.say(`the capture in ${path} has ended: ${why}`)
  const comment = `mqtt-kit: proxy to ${formatAddress(to)}; the port of the broker is written as ${SERVER_PORT}`
  try {
    return await CaptureFile.open({ path, maximumBytes, ended }, comment)
  } catch (error) {
    throw new Failure(ExitCode.OUTPUT, `cannot write --write ${path}: ${(error as Error).message}`, error)
  }
}

function watch(
  { mqtt = null }: ProxyTyped,
  to: Address,
  makeRecord: MakeRecord,
  output: ProxyOutput,
  counts: ProxyCounts,
): ProxyObserver {
  const shownBytes = new ShownBytes(defaultProxyLimits.shownBytes)
  const server = formatAddress(to)
  return {
    opened: (stream, transport) => {
      counts.connections++
      const client = transport.remoteAddress
      output.say(`#${stream} ${client} is connected to ${server}`)
      const nowMs = (): number => performance.timeOrigin + performance.now()
      const record = makeRecord(transport, nowMs())
      return new PacketTap({ stream, client, server, version: mqtt, record, shownBytes, nowMs }, output)
    },
    closed: (stream, end) => {
      counts.closed(end)
      output.say(`#${stream} ${endText(end)}`)
    },
    unreachable: (stream, client, error) => {
      counts.unreachable++
      output.say(`#${stream} ${client} is turned away: ${error.message}`)
    },
    refused: (client, reason) => output.say(`${client} is turned away: ${reason}`),
    trouble: (error) => output.say(error.message),
  }
}
