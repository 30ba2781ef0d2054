import { readFileSync } from 'node:fs'

/** Statement ids of one version: all of them, and those that bytes alone can prove. */
export interface StatementIds {
  readonly all: readonly string[]
  readonly codec: readonly string[]
}

/** A property as the standard's table 2-4 has it. */
export interface SpecProperty {
  readonly id: number
  readonly name: string
  /** its name in JavaScript libraries */
  readonly key: string
  readonly type: 'byte' | 'uint16' | 'uint32' | 'varint' | 'utf8' | 'binary' | 'utf8pair'
  /** packets it may stand in; WILL is the will inside CONNECT */
  readonly packets: readonly string[]
  /** those in which it may stand more than once */
  readonly repeat: readonly string[]
  readonly values?: readonly number[]
  readonly range?: readonly [minimum: number, maximum: number]
  /** packets in which only one side may use it */
  readonly sender?: Readonly<Record<string, 'client' | 'server'>>
}

/** A Reason Code of one packet. */
export interface SpecReasonCode {
  readonly code: number
  readonly name: string
  /** absent: whoever sends the packet */
  readonly sender?: 'client' | 'server' | 'both'
}

/** A packet that breaks one rule, or none. */
export interface MalformedSample {
  readonly name: string
  readonly version: '3.1' | '3.1.1' | '5.0'
  readonly dir: 'c2s' | 's2c'
  readonly hex: string
  /** statement ids, or `trailing-bytes` or `truncated` */
  readonly violates: readonly string[]
}

export const statementIds: Readonly<{ v311: StatementIds; v5: StatementIds }> = read('statement-ids.json')

export const specTables: Readonly<{
  properties: readonly SpecProperty[]
  reasonCodes: Readonly<Record<string, readonly SpecReasonCode[]>>
}> = read('mqtt-5-tables.json')

export const malformedSamples: readonly MalformedSample[] = read('malformed-samples.json')

function read<T>(file: string): T {
  return JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8'))
}
