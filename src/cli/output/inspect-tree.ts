import { packetTypeNames, Role } from '../../codec/packet-type.ts'
import { protocolVersionName } from '../../codec/protocol-version.ts'
import { bitPicture, bitsOf, bitValue, fieldText } from '../../inspect/field-text.ts'
import { expectedInstead, guessMistake } from '../../inspect/hints.ts'
import type { InspectedPacket } from '../../inspect/inspected-packet.ts'
import type { PayloadReader } from '../../inspect/payload/payload-reader.ts'
import type { Field, Issue } from '../../inspect/trace.ts'
import type { Painter } from '../terminal.ts'
import { payloadText } from './payload-text.ts'

const HEX_COLUMN_BYTES = 8
const OFFSET_COLUMNS = 6
const HEX_COLUMNS = HEX_COLUMN_BYTES * 3

/** A packet as a tree: offset, bytes, field and value per line, bits below flags, broken rules below their field. */
export function packetTree(
  packet: InspectedPacket,
  painter: Painter,
  columns: number,
  payloads: PayloadReader,
): string {
  const lines = [painter.heading(headline(packet))]
  const told = new Set<Issue>()
  for (const field of packet.fields) {
    lines.push(...fieldLines(field, packet, payloads, painter, columns))
    for (const issue of packet.issues) {
      if (told.has(issue) || issue.start < field.start || issue.start >= field.end) continue
      told.add(issue)
      lines.push(...issueLines(issue, packet, painter, columns))
    }
  }
  for (const issue of packet.issues) if (!told.has(issue)) lines.push(...issueLines(issue, packet, painter, columns))
  const guess = guessMistake(packet)
  if (guess !== null) lines.push(...folded(`? ${guess}`, columns))
  return `${lines.join('\n')}\n`
}

/** `PUBLISH MQTT 5.0, client to server, 9 bytes at offset 0, frame 12` */
export function headline(packet: InspectedPacket): string {
  const way = packet.sender === Role.CLIENT ? 'client to server' : 'server to client'
  const frame = packet.frame === null ? '' : `, frame ${packet.frame}`
  const size = `${packet.bytes.length} ${packet.bytes.length === 1 ? 'byte' : 'bytes'}`
  const version = protocolVersionName(packet.version)
  return `${packetTypeNames[packet.packetType]} MQTT ${version}, ${way}, ${size} at offset ${packet.offset}${frame}`
}

function fieldLines(
  field: Field,
  packet: InspectedPacket,
  payloads: PayloadReader,
  painter: Painter,
  columns: number,
): string[] {
  const raw = packet.bytes.toString('hex', field.start, Math.min(field.end, field.start + HEX_COLUMN_BYTES))
  const isLong = field.end - field.start > HEX_COLUMN_BYTES
  const hex = isLong ? `${spaced(raw.slice(0, -2))} ..` : spaced(raw)
  const left = `${String(field.start).padStart(OFFSET_COLUMNS - 1)} ${painter.faint(hex.padEnd(HEX_COLUMNS))} `
  const room = Math.max(16, columns - OFFSET_COLUMNS - HEX_COLUMNS - 1)
  const [first = '', ...further] = textOf(field, packet, payloads)
  const value = shortened(first, Math.max(8, room - field.name.length - 2))
  const lines = [`${left}${painter.accent(field.name)}: ${value}`]
  for (const line of further)
    lines.push(`${' '.repeat(OFFSET_COLUMNS + 2)}${shortened(line, columns - OFFSET_COLUMNS - 2)}`)
  const bits = bitsOf(field, packet.packetType)
  if (bits !== null && typeof field.value === 'number') {
    for (const [mask, name] of bits) {
      const picture = bitPicture(field.value, mask).padEnd(HEX_COLUMNS)
      lines.push(`${' '.repeat(OFFSET_COLUMNS)}${painter.faint(picture)}   ${name}: ${bitValue(field.value, mask)}`)
    }
  }
  return lines
}

function issueLines(issue: Issue, packet: InspectedPacket, painter: Painter, columns: number): string[] {
  const { id, severity, message, start, end } = issue
  const range = end - start > 1 ? `bytes ${start} to ${end - 1}` : `byte ${start}`
  const paint = severity === 'error' ? painter.error : painter.faint
  const expected = expectedInstead(issue, packet)
  return [
    ...folded(`! [${id}] ${range}: ${message}`, columns).map((line) => paint(line)),
    ...(expected === null ? [] : folded(`  expected: ${expected}`, columns)),
  ]
}

// Lines after the first are indented further.
function folded(text: string, columns: number): string[] {
  const indent = ' '.repeat(OFFSET_COLUMNS)
  const [first = '', ...words] = text.split(/(?<=\S) /)
  const lines = [`${indent}${first}`]
  for (const word of words) {
    const line = lines.at(-1)!
    if (line.length + 1 + word.length > columns) lines.push(`${indent}  ${word}`)
    else lines[lines.length - 1] = `${line} ${word}`
  }
  return lines
}

// What a payload says may take several lines.
function textOf(field: Field, packet: InspectedPacket, payloads: PayloadReader): string[] {
  const text = fieldText(field, packet)
  if (field.name === 'Topic Alias' && packet.topicName !== null) {
    return [`${text} (${fieldText({ ...field, value: packet.topicName }, packet)})`]
  }
  const isPayload = field.name === 'Payload' || field.name === 'Will Payload'
  if (!isPayload || !Buffer.isBuffer(field.value)) return [text]
  const payload = payloads.read(packet)
  return payload === null ? [text] : payloadText(payload, field.value, text)
}

function spaced(hex: string): string {
  return hex.replaceAll(/..(?=.)/g, '$& ')
}

function shortened(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, room - 3)}...`
}
