import { packetTypeNames, Role } from '../../codec/packet-type.ts'
import type { InspectedPacket } from '../../inspect/inspected-packet.ts'
import type { Painter } from '../terminal.ts'
import { describePacket } from './packet-line.ts'

interface Column {
  readonly title: string
  readonly width: number
  readonly isNumber?: boolean
}

const COLUMNS: readonly Column[] = [
  { title: 'Frame', width: 7, isNumber: true },
  { title: 'Time', width: 11, isNumber: true },
  { title: 'Str', width: 4, isNumber: true },
  { title: 'Dir', width: 3 },
  { title: 'Type', width: 11 },
  { title: 'Id', width: 5, isNumber: true },
  { title: 'Bytes', width: 6, isNumber: true },
]
const LEFT_COLUMNS = COLUMNS.reduce((sum, { width }) => sum + width + 1, 0)

/** A row per packet under one heading; made row by row, so a capture may be as long as it likes. */
export class TableView {
  readonly #painter: Painter
  readonly #columns: number
  #firstSeconds: number | null = null
  #hasHeading = false

  /** @param columns longer rows are cut with an ellipsis; Infinity where nobody minds */
  constructor(painter: Painter, columns: number) {
    this.#painter = painter
    this.#columns = columns
  }

  row(packet: InspectedPacket): string {
    const { frame, timeSeconds: time, stream, sender, bytes, packetType } = packet
    this.#firstSeconds ??= time
    const id = packet.packet !== null && 'packetId' in packet.packet ? packet.packet.packetId : 0
    const cells = [
      frame ?? '',
      time === null ? '' : (time - this.#firstSeconds!).toFixed(6),
      stream ?? '',
      sender === Role.CLIENT ? 'c2s' : 's2c',
      packetTypeNames[packetType]!,
      id === 0 ? '' : id,
      bytes.length,
    ]
    const left = cells.map((cell, index) => padded(String(cell), COLUMNS[index]!)).join(' ')
    const line = `${left} ${this.#shortened(this.#details(packet))}\n`
    const issues = packet.issues.map(
      ({ id: rule, message }) => `${this.#painter.error(`    ! [${rule}] ${message}`)}\n`,
    )
    return this.#heading() + line + issues.join('')
  }

  // type and identifier have columns of their own
  #details({ packet, version, topicName }: InspectedPacket): string {
    if (packet === null) return ''
    return describePacket(packet, version, topicName)
      .replace(/^\S+ ?/, '')
      .replace(/^id=\d+ ?/, '')
  }

  #heading(): string {
    if (this.#hasHeading) return ''
    this.#hasHeading = true
    const titles = COLUMNS.map((column) => padded(column.title, column)).join(' ')
    return `${this.#painter.heading(`${titles} Details`)}\n`
  }

  #shortened(text: string): string {
    const room = Math.max(10, this.#columns - LEFT_COLUMNS)
    return text.length <= room ? text : `${text.slice(0, room - 3)}...`
  }
}

function padded(text: string, { width, isNumber = false }: Column): string {
  return isNumber ? text.padStart(width) : text.padEnd(width)
}
