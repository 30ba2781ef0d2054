import { ProtocolVersion } from '../../codec/protocol-version.ts'
import type { QoS } from '../../codec/qos.ts'
import { isEncodable } from '../../codec/utf8.ts'
import { TopicFilterFault, topicFilterFault } from '../../topic/topic-filter.ts'
import { MAXIMUM_TOPIC_BYTES, TopicNameFault, topicNameFault } from '../../topic/topic-name.ts'
import { ValueError, type ValueKind } from './option-row.ts'

/** Any text. */
export function text(name: string): ValueKind<string> {
  return { name, read: (typed) => typed }
}

/** Text that goes into a UTF-8 Encoded String of MQTT: at most 65,535 bytes. */
export function mqttText(name: string): ValueKind<string> {
  return {
    name,
    read: (typed) => {
      if (!isEncodable(typed)) throw new ValueError('text without NUL and without half a surrogate pair')
      if (Buffer.byteLength(typed) > MAXIMUM_TOPIC_BYTES) throw new ValueError('text of at most 65,535 bytes')
      return typed
    },
  }
}

/** A whole number. */
export function integer(name: string, minimum: number, maximum: number): ValueKind<number> {
  return {
    name,
    read: (typed) => {
      const value = Number(typed)
      if (!/^\+?\d+$/.test(typed) || value < minimum || value > maximum) {
        throw new ValueError(
          maximum === Number.MAX_SAFE_INTEGER
            ? `a whole number from ${minimum} up`
            : `a whole number from ${minimum} to ${maximum}`,
        )
      }
      return value
    },
  }
}

/** A share of a hundred. */
export const percentage: ValueKind<number> = {
  name: 'PERCENT',
  read: (typed) => {
    const value = Number(typed)
    if (!/^(\d+(\.\d*)?|\.\d+)$/.test(typed) || value > 100) throw new ValueError('a number from 0 to 100')
    return value
  },
}

/** A number above 0. */
export function positive(name: string): ValueKind<number> {
  return {
    name,
    read: (typed) => {
      const value = Number(typed)
      if (!/^(\d+(\.\d*)?|\.\d+)$/.test(typed) || value === 0) throw new ValueError('a number above 0')
      return value
    },
  }
}

/** How fast something recorded is played: a factor; infinite for `max`. */
export const speed: ValueKind<number> = {
  name: 'SPEED',
  choices: ['1x', '10x', 'max'],
  read: (typed) => {
    if (typed === 'max') return Number.POSITIVE_INFINITY
    const value = Number(typed.slice(0, -1))
    if (!/^(\d+(\.\d*)?|\.\d+)x$/.test(typed) || value === 0) throw new ValueError('1x, 10x, 0.5x ... or max')
    return value
  },
}

const MS_PER_UNIT: Readonly<Record<string, number>> = { '': 1000, ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 }

/** The longest that a timer of Node can wait. */
const LONGEST_MS = 2_147_483_647

/** A span of time; what is typed is in seconds unless it has a unit, what is read is in milliseconds. */
export const duration: ValueKind<number> = {
  name: 'TIME',
  read: (typed) => {
    const match = /^(\d+(?:\.\d*)?|\.\d+)(ms|s|m|min|h|)$/.exec(typed)
    const ms = match === null ? Number.NaN : Math.round(Number(match[1]) * MS_PER_UNIT[match[2]!]!)
    if (Number.isNaN(ms)) throw new ValueError('seconds (decimals are welcome), or 500ms, 2m, 1h')
    if (ms > LONGEST_MS) throw new ValueError('at most 24 days')
    return ms
  },
}

/** Quality of Service. */
export const qos: ValueKind<QoS> = {
  name: 'QOS',
  choices: ['0', '1', '2'],
  read: (typed) => {
    if (typed !== '0' && typed !== '1' && typed !== '2') {
      throw new ValueError('0 (at most once), 1 (at least once) or 2 (exactly once)')
    }
    return Number(typed) as QoS
  },
}

const versions = new Map<string, ProtocolVersion>([
  ['5', ProtocolVersion.V5],
  ['5.0', ProtocolVersion.V5],
  ['mqttv5', ProtocolVersion.V5],
  ['4', ProtocolVersion.V3_1_1],
  ['311', ProtocolVersion.V3_1_1],
  ['3.1.1', ProtocolVersion.V3_1_1],
  ['mqttv311', ProtocolVersion.V3_1_1],
  ['31', ProtocolVersion.V3_1],
  ['3.1', ProtocolVersion.V3_1],
  ['mqttv31', ProtocolVersion.V3_1],
])

/** Version of MQTT, in all the ways people write it. */
export const protocolVersion: ValueKind<ProtocolVersion> = {
  name: 'VERSION',
  choices: ['5', '3.1.1', '3.1'],
  read: (typed) => {
    const version = versions.get(typed.toLowerCase())
    if (version !== undefined) return version
    if (typed === '3') throw new ValueError('3.1 or 3.1.1: a bare 3 may mean either')
    throw new ValueError('5, 3.1.1 or 3.1 (5.0, 311, 4, 31, mqttv5, mqttv311 and mqttv31 are read too)')
  },
}

const NEVER = 0xffff_ffff

/** Session Expiry Interval in seconds. */
export const sessionExpiry: ValueKind<number> = {
  name: 'SECONDS',
  read: (typed) => {
    if (typed === '-1' || typed === 'never' || typed === '∞') return NEVER
    const value = Number(typed)
    if (!/^\d+$/.test(typed) || value > NEVER)
      throw new ValueError('whole seconds from 0 to 4294967295, or -1 for never')
    return value
  },
}

/** TCP port to connect to. */
export const port: ValueKind<number> = integer('PORT', 1, 65_535)

const topicNameFaults: Readonly<Record<TopicNameFault, string | null>> = {
  [TopicNameFault.NONE]: null,
  [TopicNameFault.EMPTY]: 'a topic name of at least one character',
  [TopicNameFault.WILDCARD]: 'a topic name: the wildcards + and # stand in filters only',
  [TopicNameFault.NUL]: 'a topic name without NUL',
}

/** Topic to publish to. */
export const topicName: ValueKind<string> = {
  name: 'TOPIC',
  read: (typed) => {
    const fault = topicNameFaults[topicNameFault(typed)]
    if (fault !== null) throw new ValueError(fault)
    return mqttText('TOPIC').read(typed)
  },
}

const topicFilterFaults: Readonly<Record<TopicFilterFault, string | null>> = {
  [TopicFilterFault.NONE]: null,
  [TopicFilterFault.EMPTY]: 'a topic filter of at least one character',
  [TopicFilterFault.NUL]: 'a topic filter without NUL',
  [TopicFilterFault.HASH_MISPLACED]: 'a topic filter: # stands alone on the last level, as in a/#',
  [TopicFilterFault.PLUS_MISPLACED]: 'a topic filter: + stands alone on its level, as in a/+/c',
  [TopicFilterFault.SHARE_NAME_EMPTY]: 'a shared filter with a name: $share/NAME/FILTER',
  [TopicFilterFault.SHARE_NAME_INVALID]: 'a shared filter: $share/NAME/FILTER, the name without + and #',
}

/** Topics to subscribe to. */
export const topicFilter: ValueKind<string> = {
  name: 'FILTER',
  read: (typed) => {
    const fault = topicFilterFaults[topicFilterFault(typed)]
    if (fault !== null) throw new ValueError(fault)
    return mqttText('FILTER').read(typed)
  },
}

/** One of some words. */
export function choice<const T extends string>(name: string, words: readonly T[]): ValueKind<T> {
  return {
    name,
    choices: words,
    read: (typed) => {
      const word = words.find((candidate) => candidate === typed)
      if (word === undefined) throw new ValueError(`${words.slice(0, -1).join(', ')} or ${words.at(-1)}`)
      return word
    },
  }
}
