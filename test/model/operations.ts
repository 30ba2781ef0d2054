import type { Segments } from './model-client.ts'
import type { ModelLimits } from './model-state.ts'
import type { Properties, QoS, Version } from './wire.ts'

/** How what an operation sends leaves; `joined`: together with what its slot sends next. */
export interface Sent extends Segments {
  readonly joined?: true
}

export interface ConnectOperation extends Sent {
  readonly do: 'connect'
  readonly slot: number
  readonly version: Version
  readonly clientId: string
  readonly clean?: true
  readonly bridge?: true
  readonly keepAlive?: number
  readonly userName?: string
  readonly will?: WillOperation
  readonly properties?: Properties
}

export interface WillOperation {
  readonly topic: string
  readonly qos?: QoS
  readonly retain?: true
  /** length of its payload; absent: as long as its number */
  readonly bytes?: number
  readonly properties?: Properties
}

export interface PublishOperation extends Sent {
  readonly do: 'publish'
  readonly slot: number
  readonly topic: string
  readonly qos?: QoS
  readonly id?: number
  readonly dup?: true
  readonly retain?: true
  /** length of its payload; absent: as long as its number, which makes it unlike all others */
  readonly bytes?: number
  readonly properties?: Properties
}

export interface FilterOperation {
  readonly filter: string
  readonly qos?: QoS
  readonly noLocal?: true
  readonly retainAsPublished?: true
  readonly retainHandling?: 1 | 2
}

/** How a client acknowledges a message that it has got. */
export type Manner = 'rightly' | 'with an error' | 'as the wrong kind' | 'again'

/**
 * One step of one client, or of time; plain data, so that a script can be printed and pasted. A slot is a place for one
 * connection; an operation that makes no sense now (a slot that is not connected, nothing to acknowledge) does nothing, so
 * any part of a script is a script.
 */
export type Operation =
  | ConnectOperation
  | PublishOperation
  | { readonly do: 'open'; readonly slot: number; readonly version: Version }
  | ({
      readonly do: 'subscribe'
      readonly slot: number
      readonly filters: readonly FilterOperation[]
      readonly identifier?: number
    } & Sent)
  | ({ readonly do: 'unsubscribe'; readonly slot: number; readonly filters: readonly string[] } & Sent)
  /** `which` of the open messages, in the order of first sending, counted round */
  | ({ readonly do: 'acknowledge'; readonly slot: number; readonly which: number; readonly manner?: Manner } & Sent)
  /** everything, until nothing more comes */
  | { readonly do: 'acknowledge all'; readonly slot: number }
  /** an acknowledgement of an id that is not open */
  | ({
      readonly do: 'acknowledge nothing'
      readonly slot: number
      readonly type: 'PUBACK' | 'PUBREC' | 'PUBCOMP'
    } & Sent)
  | ({ readonly do: 'release'; readonly slot: number; readonly id: number } & Sent)
  | ({ readonly do: 'ping'; readonly slot: number } & Sent)
  | ({
      readonly do: 'disconnect'
      readonly slot: number
      readonly code?: number
      readonly sessionExpiry?: number
    } & Sent)
  | ({ readonly do: 'break a rule'; readonly slot: number; readonly rule: string } & Sent)
  | { readonly do: 'close'; readonly slot: number }
  | { readonly do: 'reset'; readonly slot: number }
  | { readonly do: 'stop reading'; readonly slot: number }
  /** so many bytes; absent: all, from now on */
  | { readonly do: 'read'; readonly slot: number; readonly bytes?: number }
  /** ms in steps of 500 */
  | { readonly do: 'wait'; readonly ms: number }
  | RestartOperation

/**
 * What happens to the broker and its store. A script with one of these has a store.
 * - stop: in order, and started again
 * - kill: without a word, and started again with what is committed
 * - hold commits: nothing is committed from now on, until `let commits go` or a kill
 */
export type RestartOperation =
  | {
      readonly do: 'stop' | 'kill'
      /** how long it is away, ms in steps of 500 */
      readonly awayMs?: number
    }
  | { readonly do: 'hold commits' }
  | { readonly do: 'let commits go' }

/** What a seed stands for. */
export interface Script {
  readonly limits: ModelLimits
  readonly operations: readonly Operation[]
}

/** A script as text that can be pasted into a test. */
export function formatScript({ limits, operations }: Script): string {
  const lines = operations.map((one) => `    ${formatValue(one)},`)
  return `const script: Script = {\n  limits: ${formatValue(limits)},\n  operations: [\n${lines.join('\n')}\n  ],\n}`
}

function formatValue(value: unknown): string {
  if (typeof value === 'string')
    return `'${JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return `[${value.map(formatValue).join(', ')}]`
  const fields = Object.entries(value).map(([name, field]) => `${name}: ${formatValue(field)}`)
  return `{ ${fields.join(', ')} }`
}
