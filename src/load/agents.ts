import { Client, type ClientOptions } from '../client/client.ts'
import { AGENT_KEEP_ALIVE_SECONDS, lastWords, type Order, parse, request, type Said } from './agent-words.ts'
import { machineUs } from './clock.ts'
import type { PartPort } from './coordinator.ts'
import type { PartCommand, PartEvent } from './part.ts'

const CALL_EVERY_MS = 500
/** Questions for the time of an agent: the quickest answer counts. */
const CLOCK_QUESTIONS = 16
/** Agents hear of the start this long before it. */
const START_DELAY_MS = 500
const US_PER_MS = 1000

/** How far an agent's clock is before ours, and how wrong that may be; microseconds. */
interface ClockReading {
  readonly aheadUs: number
  readonly errorUs: number
}

/** A part on another machine, or in another program of this one. */
class AgentPart implements PartPort {
  readonly startDelayMs = START_DELAY_MS
  listener: ((event: PartEvent) => void) | null = null
  lost: ((error: Error) => void) | null = null
  readonly #tell: (command: Order['command']) => Promise<unknown>
  #answered: ((atUs: number, ownUs: number) => void) | null = null
  #failed: ((error: Error) => void) | null = null
  #goneWith: Error | null = null
  #clock: ClockReading = { aheadUs: 0, errorUs: 0 }

  constructor(tell: (command: Order['command']) => Promise<unknown>) {
    this.#tell = tell
  }

  heard({ event }: Said): void {
    if (event.event === 'clock') this.#answered?.(event.atUs, event.ownUs)
    else if (event.event !== 'here' && event.event !== 'busy' && event.event !== 'gone') this.listener?.(event)
  }

  /** It will say nothing any more. */
  gone(error: Error): void {
    this.#goneWith ??= error
    this.#failed?.(error)
    this.lost?.(error)
  }

  send(command: PartCommand): void {
    if (this.#goneWith !== null) return this.lost?.(this.#goneWith)
    this.#tell(command).catch((error: Error) => this.gone(error))
  }

  /**
   * Makes the agent read our clock.
   * @throws Error (rejects) when it goes or belongs to another run
   */
  async synchronise(): Promise<void> {
    this.#clock = await this.#readClock()
    // two machines do not start within a millisecond of each other: it is one machine
    if (Math.abs(this.#clock.aheadUs) <= this.#clock.errorUs) this.#clock = { aheadUs: 0, errorUs: 0 }
    await this.#tell({ order: 'follow', aheadUs: this.#clock.aheadUs })
  }

  async clockErrorMs(): Promise<number> {
    const { aheadUs, errorUs } = this.#clock
    if (aheadUs === 0) return 0
    const { aheadUs: now } = await this.#readClock()
    // clocks of machines do not run alike: what they have drifted counts
    return (errorUs + Math.abs(now - aheadUs)) / US_PER_MS
  }

  async #readClock(): Promise<ClockReading> {
    let best: ClockReading | null = null
    for (let i = 0; i < CLOCK_QUESTIONS; i++) {
      const reading = await this.#askClock()
      if (best === null || reading.errorUs < best.errorUs) best = reading
    }
    return best!
  }

  #askClock(): Promise<ClockReading> {
    return new Promise((resolve, reject) => {
      if (this.#goneWith !== null) return reject(this.#goneWith)
      this.#failed = reject
      // of a question and its answer, which of both took longer is not known
      this.#answered = (atUs, ownUs) => {
        const errorUs = (machineUs() - atUs) / 2
        resolve({ aheadUs: ownUs - atUs - errorUs, errorUs })
      }
      this.#tell({ order: 'clock', atUs: machineUs() }).catch(reject)
    })
  }

  /** Lets the agent go; resolves when it has been told, as far as it can be. */
  async close(): Promise<void> {
    await this.#tell({ order: 'leave' }).catch(() => {})
  }
}

/** Agents that were found, and the connection to them. */
export interface Agents {
  readonly ports: readonly PartPort[]
  close(): Promise<void>
}

/** The agents are not there, or not any more. */
export class AgentError extends Error {}

/**
 * Calls for agents until there are enough, and gives them our clock.
 * @throws ClientError (rejects) when the broker cannot be reached; AgentError when too few answer in time
 */
export async function findAgents(
  options: ClientOptions,
  base: string,
  run: string,
  wanted: number,
  timeoutMs: number,
): Promise<Agents> {
  const found = new Map<string, AgentPart>()
  let enough = (): void => {}
  const heard = (name: string, said: Said): void => {
    const part = found.get(name)
    if (said.event.event === 'gone')
      part?.gone(new AgentError(`agent ${name} is gone, and what it has counted with it`))
    else if (said.run !== run) return
    else if (said.event.event === 'busy') part?.gone(new AgentError(`agent ${name} works for another run`))
    else if (part !== undefined) part.heard(said)
    else if (said.event.event === 'here' && found.size < wanted) {
      const tell = (command: Order['command']): Promise<unknown> =>
        client.publish(`${base}/order/${name}`, JSON.stringify({ run, command }), { qos: 1 })
      found.set(name, new AgentPart(tell))
      if (found.size === wanted) enough()
    }
  }
  const client = new Client(
    { ...options, keepAliveSeconds: AGENT_KEEP_ALIVE_SECONDS, will: lastWords(`${base}/end`, { run }) },
    {
      message: ({ message }) => {
        const said = parse<Said>(message.payload)
        if (said !== null) heard(message.topicName.slice(base.length + '/event/'.length), said)
      },
      closed: (error) => {
        if (error === null) return
        const lost = new AgentError(`the broker on which agents are met is lost: ${error.message}`)
        for (const part of found.values()) part.gone(lost)
      },
    },
  )
  await client.connect()
  const close = async (): Promise<void> => {
    await Promise.all([...found.values()].map((part) => part.close()))
    await client.disconnect()
  }
  await client.subscribe([request(`${base}/event/+`)])
  // when it is not heard, the next one is
  const call = (): void => {
    client.publish(`${base}/call`, JSON.stringify({ run }), { qos: 1 }).catch(() => {})
  }
  const calling = setInterval(call, CALL_EVERY_MS)
  let timer: NodeJS.Timeout | null = null
  call()
  try {
    await new Promise<void>((resolve, reject) => {
      enough = resolve
      const late = (): void =>
        reject(
          new AgentError(
            `${found.size} of ${wanted} agents have answered on ${base}: start them with mqtt-kit bench agent URL`,
          ),
        )
      timer = setTimeout(late, timeoutMs)
    })
    await Promise.all([...found.values()].map((part) => part.synchronise()))
  } catch (error) {
    await close()
    throw error
  } finally {
    clearInterval(calling)
    if (timer !== null) clearTimeout(timer)
  }
  return { ports: [...found.values()], close }
}
