import { SOME_TEXT } from './connect-terms.ts'
import type { Connection, Delivery, Reply } from './model-state.ts'
import type { PublishPacket, ServerPacket } from './wire.ts'

/** Is this PUBLISH what a delivery asks for? @returns what it asks for that is not so, null when all is */
export function publishDifference(
  delivery: Delivery,
  publish: PublishPacket,
  connection: Connection,
  now: number,
): string | null {
  const { message, qos, retain, identifiers } = delivery
  if (publish.topic !== message.topic) return `topic ${message.topic}`
  if (publish.payload !== message.payload) return `payload ${shorten(message.payload)}`
  if (publish.qos !== qos) return `QoS ${qos}`
  if (publish.retain !== retain) return `RETAIN ${retain}`
  if (connection.version !== 5) return null
  const { topicAlias: _alias, subscriptionIdentifiers = [], messageExpiry, ...rest } = publish.properties
  const { messageExpiry: published, ...forwarded } = message.properties
  if (!delivery.hasAnyIdentifier && !isSame([...subscriptionIdentifiers].sort(), [...identifiers].sort()))
    return `subscription identifiers ${identifiers}`
  if (!isSame(rest, forwarded)) return `properties ${JSON.stringify(forwarded)}`
  return isExpiryRight(published, messageExpiry, now - message.arrivedAt, connection.isBehind)
    ? null
    : `Message Expiry Interval ${published} less the time waited`
}

// The received value less the time waited [MQTT-3.3.2-6], in whole seconds either way (E-01); a reader that is behind sees
// what was true when the packet was written.
function isExpiryRight(
  published: number | undefined,
  seen: number | undefined,
  waitedMs: number,
  isBehind: boolean,
): boolean {
  if (published === undefined || seen === undefined) return published === seen
  const waited = waitedMs / 1000
  const most = isBehind ? published : published - Math.floor(waited)
  return seen >= Math.max(0, published - Math.ceil(waited)) && seen <= Math.max(0, most)
}

/** Is this packet the answer that has to come? @returns what it lacks, null when it is */
export function replyDifference({ fields }: Reply, packet: ServerPacket): string | null {
  for (const [name, expected] of Object.entries(fields)) {
    const seen = fieldOf(packet, name)
    const isRight =
      name === 'codes'
        ? isOneOfEach(expected as number[][], seen as number[])
        : name === 'properties'
          ? isSame(withoutTexts(seen as object, expected as object), expected)
          : isSame(seen, expected)
    if (!isRight) return `${name} ${JSON.stringify(expected)}`
  }
  return null
}

// A DISCONNECT has one code, of which several may be allowed.
function fieldOf(packet: ServerPacket, name: string): unknown {
  if (name === 'codes' && packet.type === 'DISCONNECT') return [packet.code]
  return (packet as unknown as Record<string, unknown>)[name]
}

function isOneOfEach(allowed: readonly (readonly number[])[], seen: readonly number[]): boolean {
  return seen.length === allowed.length && seen.every((code, i) => allowed[i]!.includes(code))
}

// Texts of the broker's own choice are compared by being there.
function withoutTexts(seen: object, expected: object): object {
  const values = expected as Record<string, unknown>
  return Object.fromEntries(
    Object.entries(seen).map(([name, value]) => [name, values[name] === SOME_TEXT ? SOME_TEXT : value]),
  )
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other))
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
}

/** A delivery for people. */
export function describe({ message, qos, retain, packetId }: Delivery): string {
  const flags = `QoS ${qos}${retain ? ', RETAIN' : ''}${packetId > 0 ? `, id ${packetId}` : ''}`
  return `'${shorten(message.payload)}' on '${message.topic}' (${flags})`
}

/** A payload for people. */
export function shorten(payload: string): string {
  return payload.length <= 40 ? payload : `${payload.slice(0, 20)}... (${payload.length} bytes)`
}
