import { hostname } from 'node:os'
import type { ClientOptions } from '../../client/client.ts'
import { serveAgent } from '../../load/agent.ts'
import { AgentError, findAgents } from '../../load/agents.ts'
import { LocalPart, type PartPort } from '../../load/coordinator.ts'
import { type LoadPlan, runName } from '../../load/plan.ts'
import { ProcessPart, servePart } from '../../load/process-part.ts'
import { AddressError, formatAddress, parseAddress } from '../../transport/address.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import type { BenchTyped } from './bench-plan.ts'
import { Ending } from './ending.ts'
import { explain } from './explain.ts'

const DEFAULT_GROUP = 'mqtt-kit/bench'
const FIND_MS = 30_000

/** The parts that make the load, and how to let them go. */
export interface Ports {
  readonly ports: readonly PartPort[]
  close(): Promise<void>
}

/**
 * Gets the parts of the generator: this process, workers, or agents.
 * @throws Failure (rejects) when agents cannot be reached
 */
export async function openPorts(typed: BenchTyped, plan: LoadPlan, program: string): Promise<Ports> {
  if (typed.agents !== undefined) return openAgents(typed, plan)
  const count = partsFor(plan, typed.workers ?? 1)
  const ports =
    count === 1 ? [new LocalPart()] : Array.from({ length: count }, () => new ProcessPart(program, ['bench', 'worker']))
  return {
    ports,
    close: async () => {
      for (const port of ports) port.close()
    },
  }
}

// A part without publishers or receivers has nothing to do.
function partsFor({ scenario, clients, publishers, subscribers }: LoadPlan, wanted: number): number {
  switch (scenario) {
    case 'rtt':
    case 'conn':
    case 'storm':
      return Math.min(wanted, clients)
    case 'shared':
      return Math.min(wanted, publishers, subscribers)
    case 'fanin':
    case 'fanout':
    case 'sub':
      return Math.min(wanted, subscribers)
    case 'retained':
    case 'offline':
      return wanted
    default:
      return Math.min(wanted, publishers)
  }
}

async function openAgents(typed: BenchTyped, plan: LoadPlan): Promise<Ports> {
  if (typed.workers !== undefined) throw new UsageError('give either --workers or --agents, not both')
  const count = typed.agents!
  if (partsFor(plan, count) < count)
    throw new UsageError(`${count} agents are more than ${plan.scenario} has clients for`)
  const options = typed.coordinator === undefined ? clientFor(plan) : coordinatorOf(typed.coordinator, plan)
  try {
    return await findAgents(options, typed.group ?? DEFAULT_GROUP, runName(plan), count, FIND_MS)
  } catch (error) {
    if (error instanceof AgentError) throw new Failure(ExitCode.TIMEOUT, error.message, error)
    throw explain(error, formatAddress(options.address))
  }
}

// User and password are those of its URL; whom to believe is what the TLS options say, if the broker under test has TLS too.
function coordinatorOf(url: string, { version, connectTimeoutMs, tls }: LoadPlan): ClientOptions {
  try {
    const { address, username: userName, password } = parseAddress(url)
    const { serverName: _, ...believed } = tls
    const who = { userName, password: password === null ? null : Buffer.from(password) }
    return { address, connectTimeoutMs, version, tls: believed, ...who }
  } catch (error) {
    if (error instanceof AddressError) throw new UsageError(`--coordinator: ${error.message}`)
    throw error
  }
}

/** A client beside those of the load. */
export function clientFor({ address, version, credentials, tls }: LoadPlan): ClientOptions {
  const [who] = credentials
  const password = who === undefined || who.password === null ? null : Buffer.from(who.password)
  return { address, version, tls, userName: who?.userName ?? null, password }
}

/** `mqtt-kit bench worker`: a part for the bench that started this process. */
export async function runWorker(): Promise<ExitCode> {
  if (process.send === undefined) throw new UsageError('bench worker is started by bench --workers; see bench agent')
  await servePart(process)
  return ExitCode.DONE
}

/** `mqtt-kit bench agent`: a part for coordinators elsewhere, until it is stopped. */
export async function runAgent(typed: BenchTyped, options: ClientOptions, context: Context): Promise<ExitCode> {
  const { talk } = context
  const where = formatAddress(options.address)
  const name = `${hostname()}-${process.pid}`
  const group = typed.group ?? DEFAULT_GROUP
  const ending = new Ending()
  context.onInterrupt(() => ending.with(ExitCode.DONE))
  const observer = {
    ready: () => talk.say(`agent ${name} waits on ${where} in ${group}`),
    began: (run: string) => talk.say(`takes part in ${run}`),
    ended: (run: string) => talk.say(`${run} is over`),
  }
  try {
    const stop = await serveAgent(options, group, name, observer, (error) => {
      if (error !== null) ending.fail(explain(error, where, true))
    })
    const exitCode = await ending.ended
    await stop()
    return exitCode
  } catch (error) {
    if (error instanceof Failure) throw error
    throw explain(error, where)
  }
}
