import { Client, type ClientOptions } from '../client/client.ts'
import type { ClientError } from '../client/client-error.ts'
import type { Publish } from '../codec/packets/publish.ts'
import {
  AGENT_KEEP_ALIVE_SECONDS,
  type Call,
  type End,
  lastWords,
  type Order,
  parse,
  request,
  type Said,
} from './agent-words.ts'
import { followClock, ownUs } from './clock.ts'
import { LoadPart } from './part.ts'

/** What an agent lets be seen. */
export interface AgentObserver {
  ready(): void
  began(run: string): void
  ended(run: string): void
}

/**
 * Makes load for coordinators, one after the other.
 * @returns ends the agent; a run that it takes part in hears of it
 * @throws ClientError (rejects) when the broker cannot be reached; `closed` is told when it is lost later
 */
export async function serveAgent(
  options: ClientOptions,
  base: string,
  name: string,
  observer: AgentObserver,
  closed: (error: ClientError | null) => void,
): Promise<() => Promise<void>> {
  const words = `${base}/event/${name}`
  let run: string | null = null
  let part: LoadPart | null = null
  const say = (said: Said): Promise<unknown> => client.publish(words, JSON.stringify(said), { qos: 1 })
  // what cannot be said any more does not matter: `closed` tells
  const tell = (said: Said): void => void say(said).catch(() => {})
  const leave = (): void => {
    part?.do({ order: 'finish' })
    part = null
    observer.ended(run!)
    run = null
  }
  const ordered = ({ run: of, command }: Order): void => {
    if (run !== null && of !== run) return tell({ run: of, event: { event: 'busy' } })
    if (command.order === 'leave') {
      if (run !== null) leave()
      return
    }
    if (run === null) {
      run = of
      observer.began(of)
      part = new LoadPart((event) => {
        // what it says after the end is for nobody
        if (run === of) tell({ run: of, event })
      })
    }
    if (command.order === 'clock') tell({ run: of, event: { event: 'clock', atUs: command.atUs, ownUs: ownUs() } })
    else if (command.order === 'follow') followClock(command.aheadUs)
    else part!.do(command)
  }
  const heard = ({ message }: Publish): void => {
    const said = parse<Call | End | Order>(message.payload)
    if (said === null) return
    if (message.topicName === `${base}/call`) {
      if (run === null) tell({ run: said.run, event: { event: 'here' } })
    } else if (message.topicName === `${base}/end`) {
      if (run === said.run) leave()
    } else if ('command' in said) ordered(said)
  }
  const client = new Client(
    {
      ...options,
      keepAliveSeconds: AGENT_KEEP_ALIVE_SECONDS,
      will: lastWords(words, { run: null, event: { event: 'gone' } }),
    },
    { message: heard, closed },
  )
  await client.connect()
  await client.subscribe([request(`${base}/call`), request(`${base}/end`), request(`${base}/order/${name}`)])
  observer.ready()
  return async () => {
    if (run !== null) await say({ run, event: { event: 'gone' } }).catch(() => {})
    await client.disconnect()
  }
}
