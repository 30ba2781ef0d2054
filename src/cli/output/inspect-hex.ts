import type { InspectedPacket } from '../../inspect/inspected-packet.ts'
import type { Painter } from '../terminal.ts'
import { headline } from './inspect-tree.ts'

const ROW_BYTES = 16
const OFFSET_DIGITS = 6
/** offset, gap, bytes with a gap in the middle, gap, characters */
const ROW_COLUMNS = OFFSET_DIGITS + 2 + ROW_BYTES * 3 + 2 + ROW_BYTES
/** There has to be room for a name or two. */
const NAMES_COLUMNS = 24

/** A packet as a hex dump; bytes of broken rules are painted, and where there is room the fields that begin in a row are named. */
export function packetHex(packet: InspectedPacket, painter: Painter, columns: number): string {
  const lines = [painter.heading(headline(packet))]
  for (let start = 0; start < packet.bytes.length; start += ROW_BYTES) lines.push(row(packet, start, painter, columns))
  for (const { id, start, end, message } of packet.issues) {
    lines.push(
      painter.error(`  ! [${id}] ${end - start > 1 ? `bytes ${start} to ${end - 1}` : `byte ${start}`}: ${message}`),
    )
  }
  return `${lines.join('\n')}\n`
}

function row(packet: InspectedPacket, start: number, painter: Painter, columns: number): string {
  const bytes = packet.bytes.subarray(start, start + ROW_BYTES)
  let hex = ''
  let text = ''
  for (const [index, byte] of bytes.entries()) {
    const at = start + index
    const isWrong = packet.issues.some((issue) => issue.start <= at && at < issue.end)
    const digits = byte.toString(16).padStart(2, '0')
    const character = byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'
    hex += `${index === ROW_BYTES / 2 ? ' ' : ''}${isWrong ? painter.error(digits) : digits} `
    text += isWrong ? painter.error(character) : character
  }
  const missing = ROW_BYTES - bytes.length
  const padding = ' '.repeat(missing * 3 + (bytes.length <= ROW_BYTES / 2 ? 1 : 0))
  const offset = painter.faint(start.toString(16).padStart(OFFSET_DIGITS, '0'))
  const left = `${offset}  ${hex}${padding} ${text}`
  const room = columns - ROW_COLUMNS - 2
  if (room < NAMES_COLUMNS) return left
  const names = packet.fields
    .filter((field) => field.start >= start && field.start < start + ROW_BYTES && field.end > field.start)
    .map(({ name }) => name)
    .join(', ')
  const shown = names.length > room ? `${names.slice(0, room - 3)}...` : names
  return shown === '' ? left : `${left}${' '.repeat(missing)}  ${painter.faint(shown)}`
}
