import { packetTypeNames, Role } from '../../codec/packet-type.ts'
import type { InspectedPacket } from '../../inspect/inspected-packet.ts'
import type { Parties } from '../../inspect/network/connection.ts'
import type { Painter } from '../terminal.ts'
import { describePacket } from './packet-line.ts'

const TIME_COLUMNS = 11
const SMALLEST_COLUMNS = 60
const LARGEST_COLUMNS = 120

/** Arrows between client and server, one per packet; the parties are named whenever the connection changes. */
export class FlowView {
  readonly #painter: Painter
  readonly #room: number
  #firstSeconds: number | null = null
  #stream: number | null | undefined = undefined

  constructor(painter: Painter, columns: number) {
    this.#painter = painter
    this.#room = Math.min(Math.max(columns, SMALLEST_COLUMNS), LARGEST_COLUMNS) - TIME_COLUMNS - 3
  }

  arrow(packet: InspectedPacket, parties: Parties | null): string {
    const { timeSeconds: time, stream, sender, packetType, version } = packet
    this.#firstSeconds ??= time
    const when = time === null ? '' : (time - this.#firstSeconds!).toFixed(6)
    const what =
      packet.packet === null ? packetTypeNames[packetType]! : describePacket(packet.packet, version, packet.topicName)
    const arrow = sender === Role.CLIENT ? this.#right(what) : this.#left(what)
    const painted = packet.issues.length > 0 ? this.#painter.error(arrow) : arrow
    const heading = this.#stream === stream ? '' : this.#heading(stream, parties)
    this.#stream = stream
    const margin = ' '.repeat(TIME_COLUMNS + 1)
    const issues = packet.issues.map(({ id, message }) => `${margin}${this.#painter.error(`! [${id}] ${message}`)}\n`)
    return `${heading}${this.#painter.faint(when.padStart(TIME_COLUMNS))} |${painted}|\n${issues.join('')}`
  }

  #right(what: string): string {
    const label = this.#shortened(what)
    return `- ${label} ${'-'.repeat(this.#room - label.length - 4)}>`
  }

  #left(what: string): string {
    const label = this.#shortened(what)
    return `<${'-'.repeat(this.#room - label.length - 4)} ${label} -`
  }

  #shortened(text: string): string {
    const room = this.#room - 8
    return text.length <= room ? text : `${text.slice(0, room - 3)}...`
  }

  #heading(stream: number | null, parties: Parties | null): string {
    const clientId = parties?.clientId == null ? '' : ` ${JSON.stringify(parties.clientId)}`
    const left = parties === null ? 'client' : `#${stream} ${parties.client}${clientId}`
    const right = parties === null ? 'server' : parties.server
    const gap = Math.max(1, this.#room + 2 - left.length - right.length)
    const isFirst = this.#stream === undefined
    return `${isFirst ? '' : '\n'}${' '.repeat(TIME_COLUMNS + 1)}${this.#painter.heading(`${left}${' '.repeat(gap)}${right}`)}\n`
  }
}
