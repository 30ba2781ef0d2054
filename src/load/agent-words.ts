import type { PartCommand, PartEvent } from './part.ts'

/**
 * What agents and a coordinator say to each other, over any MQTT broker and below one topic, as JSON at QoS 1: `call` asks who
 * is there, `order/AGENT` is what an agent is told, `event/AGENT` what it says, `end` says that a run is over. Both have wills,
 * so that each hears of the other's death.
 */
export type Call = { readonly run: string }

/** To all agents: whoever takes part in this run is to leave it. */
export type End = { readonly run: string }

/** To one agent; the first one of a run makes the agent its own. */
export type Order = {
  readonly run: string
  readonly command:
    | PartCommand
    /** @property atUs on the coordinator's clock; comes back */
    | { readonly order: 'clock'; readonly atUs: number }
    /** @property aheadUs how far the agent's clock is before the coordinator's */
    | { readonly order: 'follow'; readonly aheadUs: number }
    | { readonly order: 'leave' }
}

/** By one agent. */
export type Said = {
  /** null: in a will, and so of whatever run there is */
  readonly run: string | null
  readonly event:
    | PartEvent
    | { readonly event: 'here' }
    /** it belongs to another run */
    | { readonly event: 'busy' }
    /** @property ownUs on the agent's clock when `atUs` came */
    | { readonly event: 'clock'; readonly atUs: number; readonly ownUs: number }
    | { readonly event: 'gone' }
}

/** An agent or coordinator that is silent for one and a half of it is dead, to its broker. */
export const AGENT_KEEP_ALIVE_SECONDS = 10

/** What is subscribed to. */
export function request(topicFilter: string) {
  return { topicFilter, qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
}

/** A will that says this. */
export function lastWords(topicName: string, words: Said | End) {
  return { topicName, payload: Buffer.from(JSON.stringify(words)), qos: 1, retain: false, properties: {} } as const
}

/**
 * Reads what was said; bytes (of TLS keys, of correlation data) travel as Node writes them into JSON.
 * @returns null for what is no JSON object: anybody may publish there
 */
export function parse<T extends object>(payload: Buffer): T | null {
  try {
    const words: unknown = JSON.parse(payload.toString(), (_, value: unknown) => {
      const isBytes = typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer'
      return isBytes ? Buffer.from((value as unknown as { data: number[] }).data) : value
    })
    return typeof words === 'object' && words !== null ? (words as T) : null
  } catch {
    return null
  }
}
