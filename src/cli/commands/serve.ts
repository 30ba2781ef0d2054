import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { ConfiguredAccess } from '../../access/configured-access.ts'
import { Broker } from '../../broker/broker.ts'
import type { BrokerEvent, BrokerOptions } from '../../broker/configuration.ts'
import type { ClientTrace } from '../../insight/client-trace.ts'
import type { HttpAddress, HttpServer, PageOptions } from '../../insight/http-server.ts'
import type { TransportError } from '../../transport/transport-error.ts'
import { openStore, storeFailure } from '../configuration/open-store.ts'
import { type Running, reloadOnHangUp } from '../configuration/reload.ts'
import { readServeConfiguration } from '../configuration/serve-configuration.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import { isLoopback } from '../options/broker-options.ts'
import type { Typed } from '../options/option-row.ts'
import type { Parsed } from '../options/parse.ts'
import type { serveRows } from '../options/serve.ts'
import { eventLine, tracer } from '../output/broker-log.ts'
import { pageFolder } from '../page-folder.ts'
import { version } from '../version.ts'
import { announce, forgetReady, listeningFailure, tellClients } from './listening.ts'

const DEFAULT_WRITE_LIMIT_BYTES = 104_857_600

type ServeOptions = Typed<typeof serveRows>

/** `mqtt-kit serve`: a broker until a signal comes, or until the program of --exec ends. */
export async function run(parsed: Parsed<typeof serveRows>, context: Context): Promise<ExitCode> {
  const [operand] = parsed.operands
  if (operand !== undefined) {
    throw new UsageError(`unexpected argument ${JSON.stringify(operand)}; to listen on a URL use --listen`)
  }
  const configuration = await readServeConfiguration(parsed, context.environment, context.streams.pid)
  const { typed, options, warnings } = configuration
  for (const warning of warnings) context.talk.say(`warning: ${warning}`)
  if (typed.showConfig) {
    const { shownBroker } = await import('../configuration/shown-broker.ts')
    context.stdout.write(shownBroker(parsed, configuration))
    return ExitCode.DONE
  }
  if (typed.checkConfig) {
    context.stdout.write('the configuration has no mistakes\n')
    return ExitCode.DONE
  }
  const access = new ConfiguredAccess(configuration.access)
  await forgetReady(typed.readyFile)
  const interrupted = new Promise<NodeJS.Signals>((resolve) => {
    context.onInterrupt(resolve)
    if (typed.stdinGuard) onStdinClosed(context, () => resolve('SIGTERM'))
  })
  const store = await openStore(typed, context)
  const trace = await openTrace(typed, context)
  const broker = await start(
    {
      ...options,
      access,
      ...(store === null ? {} : { store }),
      ...(trace === null ? {} : { tap: (to) => trace.tap(to) }),
    },
    typed,
    context,
  )
  reloadOnHangUp(parsed, configuration, { broker, access }, context)
  let http: HttpServer | null = null
  try {
    if (typed.http !== undefined) http = await openHttp(typed.http, { broker, access }, typed, context)
    await announce({ listeners: broker.listeners, http: http?.url }, typed, context)
    if (configuration.development !== null) tellClients(configuration.development, broker.listeners, context)
    if (typed.exec !== undefined) return await runProgram(typed.exec, broker.url, interrupted, context)
    await interrupted
    return ExitCode.DONE
  } finally {
    await broker.stop()
    await store?.close()
    // last, so that /readyz tells of a broker that stops
    await http?.close()
    await trace?.close()
  }
}

function onStdinClosed({ streams }: Context, closed: () => void): void {
  const { stdin } = streams
  stdin.once('end', closed).once('close', closed).once('error', closed)
  stdin.resume()
}

async function start(options: BrokerOptions, typed: ServeOptions, context: Context): Promise<Broker> {
  const { talk } = context
  try {
    const broker = await Broker.start({
      ...options,
      version: `mqtt-kit ${version}`,
      log: (event) => log(event, typed, context),
    })
    if (typed.debug) broker.trace = tracer((line) => talk.line(line), logFormat(typed))
    return broker
  } catch (error) {
    await options.store?.close()
    throw storeFailure(listeningFailure(error))
  }
}

async function openHttp(
  address: HttpAddress,
  running: Running,
  typed: ServeOptions,
  context: Context,
): Promise<HttpServer> {
  const { HttpServer } = await import('../../insight/http-server.ts')
  try {
    const failed = ({ message }: TransportError): void => log({ event: 'error', detail: message }, typed, context)
    return await HttpServer.open(address, running.broker, failed, pageOptions(address, running, typed, context))
  } catch (error) {
    throw listeningFailure(error)
  }
}

function pageOptions(
  address: HttpAddress,
  { broker, access }: Running,
  typed: ServeOptions,
  context: Context,
): PageOptions {
  return {
    folder: pageFolder(),
    maximumMessageBytes: broker.limits.maximumPacketBytes,
    isAuthenticating: () => !access.allowsAnonymous,
    isExposed: () => !isLoopback(address.host) && access.allowsAnonymous && !typed.allowAnonymous,
    accept: (transport) => broker.accept(transport),
    refused: (remoteAddress, detail) => log({ event: 'closed', remoteAddress, detail }, typed, context),
  }
}

async function openTrace(typed: ServeOptions, { talk }: Context): Promise<ClientTrace | null> {
  const { trace: clientId, write: path } = typed
  if (clientId === undefined && path === undefined) return null
  if (clientId === undefined || path === undefined) {
    throw new UsageError('--trace client=ID says whom to capture and --write FILE where to: give both')
  }
  const { ClientTrace } = await import('../../insight/client-trace.ts')
  const maximumBytes = typed.writeLimit ?? DEFAULT_WRITE_LIMIT_BYTES
  const ended = (why: string): void => talk.say(`the capture in ${path} has ended: ${why}`)
  try {
    return await ClientTrace.open({ clientId, path, maximumBytes, ended })
  } catch (error) {
    throw new Failure(ExitCode.OUTPUT, `cannot write --write ${path}: ${(error as Error).message}`, error)
  }
}

function log(event: BrokerEvent, typed: ServeOptions, { talk }: Context): void {
  if (typed.verbose || event.event === 'error') talk.line(eventLine(event, logFormat(typed), new Date()))
}

function logFormat(typed: ServeOptions): 'text' | 'json' {
  return typed.logFormat ?? 'text'
}

/** Runs a command line with MQTT_URL set. @returns its exit code, or 128 and the signal that ended it */
async function runProgram(
  line: string,
  url: string,
  interrupted: Promise<NodeJS.Signals>,
  context: Context,
): Promise<ExitCode> {
  const child = spawn(line, { shell: true, stdio: 'inherit', env: { ...context.environment, MQTT_URL: url } })
  // Ctrl-C on a terminal goes to the program as well, by itself; any other signal has come to us alone
  void interrupted.then((signal) => {
    if (signal !== 'SIGINT' || !context.streams.stdin.isTTY) child.kill(signal)
  })
  return exitCodeOf(child, line)
}

async function exitCodeOf(child: ChildProcess, line: string): Promise<ExitCode> {
  try {
    const [code, signal]: (number | NodeJS.Signals | null)[] = await once(child, 'exit')
    const number = typeof code === 'number' ? code : 128 + constants.signals[signal as NodeJS.Signals]
    return number as ExitCode
  } catch (error) {
    throw new Failure(ExitCode.USAGE, `cannot run --exec ${JSON.stringify(line)}: ${(error as Error).message}`, error)
  }
}
