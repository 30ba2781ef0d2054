import { decodeAll } from '../../codec/decoder.ts'
import { encodePacket } from '../../codec/encoder.ts'
import { maySend, type PacketType, packetTypeNames, Role } from '../../codec/packet-type.ts'
import { ProtocolVersion } from '../../codec/protocol-version.ts'
import { ProtocolViolation } from '../../codec/violation.ts'
import { ValueError } from '../options/option-row.ts'
import { choice, protocolVersion } from '../options/values.ts'
import { hexBytes, JsonFields } from './json-fields.ts'
import { buildPacket } from './packet-builder.ts'

/** The bytes of one packet, and what is known about its way. */
export interface EncodedPacket {
  /** not always a packet type that exists: the bytes decide */
  readonly bytes: Buffer
  readonly version: ProtocolVersion
  readonly sender: Role
  /** connection that it belongs to; null: not said */
  readonly stream: number | null
  /** since 1970; null: not said */
  readonly timeSeconds: number | null
}

const types = choice(
  'TYPE',
  packetTypeNames.map((name) => name.toLowerCase()),
)
const directions = choice('DIR', ['c2s', 's2c'])
const MAXIMUM_STREAM = 0xffff_ffff
/** What `inspect --json` and `inspect proxy --json` tell of a packet beside its bytes. */
const TOLD_BY_BYTES = ['frame', 'offset', 'issues', 'guess', 'injected', 'topic', 'payload']

/**
 * Turns one JSON object into bytes. One with `fields`, as `inspect --json` writes it, becomes exactly what it was: the `raw` of
 * its fields, broken rules included. Any other is a packet to make, and has to keep the rules.
 *
 * @param before version of a packet that does not say its own
 * @throws ValueError saying what was expected at which member
 */
export function readJsonPacket(value: unknown, before: ProtocolVersion): EncodedPacket {
  const fields = new JsonFields(value)
  const type = read(types, fields, 'type')
  const packetType = packetTypeNames.indexOf(type.toUpperCase()) as PacketType
  const version = fields.has('version') ? read(protocolVersion, fields, 'version') : before
  const dir = fields.has('dir') ? read(directions, fields, 'dir') : null
  const stream = fields.has('stream') ? fields.integer('stream', 0, MAXIMUM_STREAM) : null
  const timeSeconds = timeOf(fields)
  const way = { version, stream, timeSeconds }
  const sender = dir === null ? null : dir === 'c2s' ? Role.CLIENT : Role.SERVER
  const likely = sender ?? (maySend(Role.CLIENT, packetType, version) ? Role.CLIENT : Role.SERVER)
  if (fields.has('fields')) return { bytes: inspectedBytes(fields), ...way, sender: likely }
  if (type === 'reserved')
    throw fields.wrong('"fields" with the bytes of a packet of this type, or another type', 'type')
  try {
    const bytes = encodePacket(buildPacket(packetType, fields, version), version)
    return { bytes, ...way, sender: checkedSender(bytes, sender, version, likely) }
  } catch (error) {
    if (!(error instanceof ProtocolViolation)) throw error
    throw new ValueError(`a packet that keeps the rules: ${error.message}; "fields" with "raw" takes any bytes`)
  }
}

// Who may send these bytes; both may be asked, for some properties belong to one side.
function checkedSender(bytes: Buffer, sender: Role | null, version: ProtocolVersion, likely: Role): Role {
  try {
    decodeAll(bytes, likely, version)
    return likely
  } catch (error) {
    const other = likely === Role.CLIENT ? Role.SERVER : Role.CLIENT
    if (sender !== null || !(error instanceof ProtocolViolation)) throw error
    try {
      decodeAll(bytes, other, version)
    } catch {
      throw error
    }
    return other
  }
}

function inspectedBytes(fields: JsonFields): Buffer {
  for (const key of TOLD_BY_BYTES) fields.take(key)
  // where a rule is broken, a value may be what the bytes should have said
  const isSound = !Array.isArray(fields.take('issues')) || (fields.take('issues') as unknown[]).length === 0
  const parts: Buffer[] = []
  let length = 0
  for (const [index, item] of fields.list('fields').entries()) {
    const key = `fields[${index}]`
    const field = fields.inside(item, key)
    const raw = hexBytes(String(field.take('raw')))
    if (raw === null) throw fields.wrong('hex digits, two for each byte,', `${key}.raw`)
    const start = field.take('start')
    if (start !== undefined && start !== length)
      throw fields.wrong(`${length}, where the field before it ends,`, `${key}.start`)
    const value = field.take('value')
    if (isSound && value !== undefined && !says(raw, value)) {
      const hint = `change it too, or leave "fields" out and write the packet as {"type":"publish","topic":...}`
      throw new ValueError(
        `${JSON.stringify(value)} in "${key}.raw", as in "${key}.value", not ${raw.toString('hex')}; ${hint}`,
      )
    }
    length += raw.length
    parts.push(raw)
  }
  const declared = fields.take('length')
  if (declared !== undefined && declared !== length) throw fields.wrong(`${length}, the bytes of all fields,`, 'length')
  fields.end()
  return Buffer.concat(parts)
}

// Does the value of a field, as inspect tells it, stand in these bytes?
function says(raw: Buffer, value: unknown): boolean {
  if (typeof value === 'number') return value === bigEndian(raw) || value === variableByteInteger(raw)
  if (typeof value !== 'string') return false
  const inner = raw.subarray(2)
  return [raw.toString('hex'), inner.toString('hex'), inner.toString()].includes(value)
}

function bigEndian(raw: Buffer): number {
  return raw.length >= 1 && raw.length <= 4 ? raw.readUIntBE(0, raw.length) : Number.NaN
}

function variableByteInteger(raw: Buffer): number {
  return raw.reduce((sum, digit, index) => sum + (digit & 0x7f) * 128 ** index, 0)
}

function timeOf(fields: JsonFields): number | null {
  const time = fields.take('time')
  if (time === undefined) return null
  if (typeof time !== 'number' || !Number.isFinite(time) || time < 0) throw fields.wrong('seconds since 1970', 'time')
  return time
}

function read<T>(kind: { read(text: string): T }, fields: JsonFields, key: string): T {
  const text = fields.text(key)
  try {
    return kind.read(text)
  } catch (error) {
    if (!(error instanceof ValueError)) throw error
    throw fields.wrong(`${error.message}`, key)
  }
}

/** What holds for a packet that does not say its version, before any that does. */
export const DEFAULT_VERSION: ProtocolVersion = ProtocolVersion.V5
