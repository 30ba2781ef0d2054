import { isUtf8 } from 'node:buffer'
import type { Publish } from '../../codec/packets/publish.ts'
import type { Lookup, NamePath } from '../input/condition.ts'

/** The names that conditions about messages may use. */
export const messageNames = ['topic', 'payload', 'size', 'qos', 'retain', 'dup', 'count', 'properties'] as const

/**
 * Answers what a condition asks about a message: `payload` is its text, `payload.a.0` a member of its JSON, `size` its bytes,
 * `properties.contentType` a property, `count` which message it is.
 * @param count from 1 up
 */
export function messageLookup(publish: Publish, count: number): Lookup {
  const { message } = publish
  let json: unknown
  let isParsed = false
  const payloadJson = (): unknown => {
    if (!isParsed) json = parsed(message.payload)
    isParsed = true
    return json
  }
  return ([name, ...steps]: NamePath): unknown => {
    switch (name) {
      case 'topic':
        return message.topicName
      case 'payload':
        return steps.length === 0 ? message.payload.toString() : member(payloadJson(), steps)
      case 'size':
        return message.payloadBytes
      case 'qos':
        return publish.qos
      case 'retain':
        return message.retain
      case 'dup':
        return publish.dup
      case 'count':
        return count
      default:
        return member(message.properties, steps)
    }
  }
}

function parsed(payload: Buffer): unknown {
  if (!isUtf8(payload)) return undefined
  try {
    return JSON.parse(payload.toString())
  } catch {
    return undefined // a payload that is no JSON has no members
  }
}

function member(value: unknown, steps: readonly string[]): unknown {
  let current = value
  for (const step of steps) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, step)) return undefined
    current = (current as Record<string, unknown>)[step]
  }
  return current
}
