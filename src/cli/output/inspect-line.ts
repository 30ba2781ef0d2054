import type { AnyPacket } from '../../codec/control-packet.ts'
import { PacketType, packetTypeNames, Role } from '../../codec/packet-type.ts'
import type { InspectedPacket } from '../../inspect/inspected-packet.ts'
import type { Parties } from '../../inspect/network/connection.ts'
import { oldest } from '../../inspect/oldest.ts'
import type { Painter } from '../terminal.ts'
import { describePacket, plainText } from './packet-line.ts'

/** Requests whose answer has not come; the oldest are forgotten when there are more. */
const MAXIMUM_OPEN_REQUESTS = 65_536

/** Of a Client Identifier in a line that is too long, with the blank behind it. */
const SHORT_CLIENT_CHARACTERS = 12

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
  readonly #sentAt = new Map<number, number>()
  #firstSeconds: number | null = null

  /** @param columns longer lines are cut with an ellipsis; Infinity where nobody minds */
  constructor(painter: Painter, columns: number) {
    this.#painter = painter
    this.#columns = columns
  }

  /** @param note what else is to be said of the packet, behind everything; '' for nothing */
  line(packet: InspectedPacket, parties: Parties | null, note = ''): string {
    const { stream, sender, timeSeconds: time, packetType } = packet
    this.#firstSeconds ??= time
    const when = time === null ? '' : `${(time - this.#firstSeconds!).toFixed(6).padStart(11)} `
    const arrow = sender === Role.CLIENT ? '->' : '<-'
    const what =
      packet.packet === null
        ? packetTypeNames[packetType]!
        : describePacket(packet.packet, packet.version, packet.topicName)
    const size = `, ${packet.bytes.length} B${this.#latency(packet)}${note === '' ? '' : `, ${note}`}`
    const room = this.#columns - size.length
    const client = clientIdText(parties)
    const head = `${when}${stream === null ? '' : `#${stream} `}`
    const whole = `${head}${client}${arrow} ${what}`
    // what it is matters more than whose it is
    const start = whole.length > room ? `${head}${shortened(client)}${arrow} ${what}` : whole
    const text = `${start.length > room ? `${start.slice(0, Math.max(0, room - 3))}...` : start}${size}\n`
    if (packet.issues.length === 0) return text
    const issues = packet.issues.map(({ id, message }) => `${this.#painter.error(`    ! [${id}] ${message}`)}\n`)
    return text + issues.join('')
  }

  #latency({ stream, sender, packetType, timeSeconds: time, packet }: InspectedPacket): string {
    if (time === null || packet === null || stream === null) return ''
    const request = answers[packetType]
    if (request === undefined && !isAnswered(packet)) return ''
    const id = 'packetId' in packet ? packet.packetId : 0
    if (request === undefined) {
      this.#sentAt.set(exchangeKey(stream, sender, packetType, id), time)
      if (this.#sentAt.size > MAXIMUM_OPEN_REQUESTS) {
        for (const key of oldest(this.#sentAt.keys(), MAXIMUM_OPEN_REQUESTS)) this.#sentAt.delete(key)
      }
      return ''
    }
    const asked = exchangeKey(stream, sender === Role.CLIENT ? Role.SERVER : Role.CLIENT, request, id)
    const sentAt = this.#sentAt.get(asked)
    this.#sentAt.delete(asked)
    return sentAt === undefined ? '' : `, after ${((time - sentAt) * 1000).toFixed(3)} ms`
  }
}

function clientIdText(parties: Parties | null): string {
  return parties === null || parties.clientId === null || parties.clientId === ''
    ? ''
    : `${plainText(parties.clientId)} `
}

function shortened(client: string): string {
  return client.length <= SHORT_CLIENT_CHARACTERS ? client : `${client.slice(0, SHORT_CLIENT_CHARACTERS - 4)}... `
}

const requests = new Set(Object.values(answers))

function isAnswered(packet: AnyPacket): boolean {
  return packet.packetType === PacketType.PUBLISH ? packet.qos > 0 : requests.has(packet.packetType)
}

// Hot: a number is a cheaper key than a text; the fields lie beside each other in its 53 bits.
function exchangeKey(stream: number, sender: Role, packetType: number, packetId: number): number {
  return stream * 0x20_0000 + sender * 0x10_0000 + packetType * 0x1_0000 + packetId
}
