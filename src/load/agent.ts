import { Client, type ClientOptions } from '../client/client.ts'
import type { ClientError } from '../client/client-error.ts'
import type { Publish } from '../codec/packets/publish.ts'
import type { PartPort } from './coordinator.ts'
import { LoadPart, type PartCommand, type PartEvent } from './part.ts'

/**
 * Agents make load on other machines; any MQTT broker carries the words between them and the coordinator, below one topic:
 * `call` asks who is there, `event/AGENT` is what an agent says, `order/AGENT` what it is told. All as JSON at QoS 1.
 */
type Call = { readonly run: string }
type Order = { readonly run: string; readonly command: PartCommand | { readonly order: 'leave' } }
type Said = { readonly run: string; readonly event: PartEvent | { readonly event: 'here' } }

const CALL_EVERY_MS = 500

function request(topicFilter: string) {
  return { topicFilter, qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
}

/** Bytes (of TLS keys, of correlation data) travel as Node writes them into JSON. */
function parse<T>(payload: Buffer): T {
  return JSON.parse(payload.toString(), (_, value: unknown) => {
    const isBytes = typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer'
    return isBytes ? Buffer.from((value as unknown as { data: number[] }).data) : value
  }) as T
}

/** What an agent lets be seen. */
export interface AgentObserver {
  ready(): void
  began(run: string): void
  ended(run: string): void
}

/**
 * Serves one coordinator after the other.
 * @returns ends the agent
 * @throws ClientError (rejects) when the broker cannot be reached; `closed` is told when it is lost later
 */
export async function serveAgent(
  options: ClientOptions,
  base: string,
  name: string,
  observer: AgentObserver,
  closed: (error: ClientError | null) => void,
): Promise<() => Promise<void>> {
  let run: string | null = null
  let part: LoadPart | null = null
  // what cannot be said any more does not matter: `closed` tells
  const say = (said: Said): void => {
    client.publish(`${base}/event/${name}`, JSON.stringify(said), { qos: 1 }).catch(() => {})
  }
  const called = ({ run: calling }: Call): void => {
    if (run === null) say({ run: calling, event: { event: 'here' } })
  }
  const ordered = ({ run: of, command }: Order): void => {
    if (command.order === 'leave') {
      if (of !== run) return
      observer.ended(of)
      run = null
      part = null
      return
    }
    if (command.order === 'connect' && run === null) {
      run = of
      observer.began(of)
      part = new LoadPart((event) => say({ run: of, event }))
    }
    if (of === run) part?.do(command)
  }
  const client = new Client(options, {
    message: ({ message }: Publish) => {
      if (message.topicName === `${base}/call`) called(parse(message.payload))
      else ordered(parse(message.payload))
    },
    closed,
  })
  await client.connect()
  await client.subscribe([request(`${base}/call`), request(`${base}/order/${name}`)])
  observer.ready()
  return () => client.disconnect()
}

/** A part on another machine, or in another program of this one. */
class AgentPart implements PartPort {
  readonly sharesClock = false
  listener: ((event: PartEvent) => void) | null = null
  lost: ((error: Error) => void) | null = null
  readonly #tell: (command: Order['command']) => Promise<unknown>

  constructor(tell: (command: Order['command']) => Promise<unknown>) {
    this.#tell = tell
  }

  send(command: PartCommand): void {
    this.#tell(command).catch((error: Error) => this.lost?.(error))
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

/**
 * Calls for agents until there are enough.
 * @throws ClientError (rejects) when the broker cannot be reached; Error when too few answer in time
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
  const client = new Client(options, {
    message: ({ message }) => {
      const name = message.topicName.slice(base.length + '/event/'.length)
      const said = parse<Said>(message.payload)
      if (said.run !== run) return
      if (said.event.event !== 'here') return found.get(name)?.listener?.(said.event)
      if (found.has(name) || found.size === wanted) return
      const tell = (command: Order['command']): Promise<unknown> =>
        client.publish(`${base}/order/${name}`, JSON.stringify({ run, command }), { qos: 1 })
      found.set(name, new AgentPart(tell))
      if (found.size === wanted) enough()
    },
    closed: (error) => {
      if (error !== null) for (const part of found.values()) part.lost?.(error)
    },
  })
  await client.connect()
  await client.subscribe([request(`${base}/event/+`)])
  // when it is not heard, the next one is
  const call = (): void => {
    client.publish(`${base}/call`, JSON.stringify({ run }), { qos: 1 }).catch(() => {})
  }
  const calling = setInterval(call, CALL_EVERY_MS)
  call()
  try {
    await new Promise<void>((resolve, reject) => {
      enough = resolve
      setTimeout(
        () => reject(new Error(`${found.size} of ${wanted} agents have answered on ${base}`)),
        timeoutMs,
      ).unref()
    })
  } catch (error) {
    await client.disconnect()
    throw error
  } finally {
    clearInterval(calling)
  }
  const ports = [...found.values()]
  return {
    ports,
    close: async () => {
      await Promise.all(ports.map((port) => port.close()))
      await client.disconnect()
    },
  }
}
