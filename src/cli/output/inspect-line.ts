import { PacketType, packetTypeNames, Role } from '../../codec/packet-type.ts'
import type { InspectedPacket } from '../../inspect/inspected-packet.ts'
import type { Painter } from '../terminal.ts'
import { describePacket } from './packet-line.ts'

/** Requests whose answer has not come; the oldest is forgotten when there are more. */
const MAXIMUM_OPEN_REQUESTS = 65_536

// answer -> request
const answers: Readonly<Partial<Record<number, number>>> = {
  [PacketType.CONNACK]: PacketType.CONNECT,
  [PacketType.PUBACK]: PacketType.PUBLISH,
  [PacketType.PUBREC]: PacketType.PUBLISH,
  [PacketType.PUBCOMP]: PacketType.PUBREL,
  [PacketType.SUBACK]: PacketType.SUBSCRIBE,
  [PacketType.UNSUBACK]: PacketType.UNSUBSCRIBE,
  [PacketType.PINGRESP]: PacketType.PINGREQ,
}

/** A line per packet: time since the first, connection, arrow from or to the server, fields, latency of answers. */
export class LineView {
  readonly #painter: Painter
  readonly #columns: number
  readonly #sentAt = new Map<string, number>()
  #firstSeconds: number | null = null

  /** @param columns longer lines are cut with an ellipsis; Infinity where nobody minds */
  constructor(painter: Painter, columns: number) {
    this.#painter = painter
    this.#columns = columns
  }

  line(packet: InspectedPacket): string {
    const { stream, sender, timeSeconds: time, packetType } = packet
    this.#firstSeconds ??= time
    const when = time === null ? [] : [(time - this.#firstSeconds!).toFixed(6).padStart(11)]
    const who = stream === null ? [] : [`#${stream}`]
    const arrow = sender === Role.CLIENT ? '->' : '<-'
    const what = packet.packet === null ? packetTypeNames[packetType]! : describePacket(packet.packet, packet.version)
    const latency = this.#latency(packet)
    const size = `, ${packet.bytes.length} B${latency}`
    const start = [...when, ...who, arrow, what].join(' ')
    const room = this.#columns - size.length
    const text = `${start.length > room ? `${start.slice(0, Math.max(0, room - 3))}...` : start}${size}\n`
    const issues = packet.issues.map(({ id, message }) => `${this.#painter.error(`    ! [${id}] ${message}`)}\n`)
    return text + issues.join('')
  }

  #latency({ stream, sender, packetType, timeSeconds: time, packet }: InspectedPacket): string {
    if (time === null || packet === null) return ''
    const id = 'packetId' in packet ? packet.packetId : 0
    const key = (by: Role, type: number): string => `${stream} ${by} ${type} ${id}`
    const request = answers[packetType]
    if (request === undefined) {
      this.#sentAt.set(key(sender, packetType), time)
      if (this.#sentAt.size > MAXIMUM_OPEN_REQUESTS) this.#sentAt.delete(this.#sentAt.keys().next().value!)
      return ''
    }
    const asked = key(sender === Role.CLIENT ? Role.SERVER : Role.CLIENT, request)
    const sentAt = this.#sentAt.get(asked)
    this.#sentAt.delete(asked)
    return sentAt === undefined ? '' : `, after ${((time - sentAt) * 1000).toFixed(3)} ms`
  }
}
