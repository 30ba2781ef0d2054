import type { InspectedPacket } from '../inspected-packet.ts'
import type { CapturedFrame } from './capture-file.ts'
import { Connection, type Parties } from './connection.ts'
import { readSegment } from './segment.ts'

/** Connections that are remembered; with more of them the one that was opened first is given up. */
const MAXIMUM_CONNECTIONS = 65_536

/** Frames in, MQTT packets out, in the order in which the frames completed them. */
export class CaptureInspector {
  readonly #listener: (packet: InspectedPacket, parties: Parties) => void
  readonly #open = new Map<string, Connection>()
  #streams = 0

  constructor(listener: (packet: InspectedPacket, parties: Parties) => void) {
    this.#listener = listener
  }

  add(frame: CapturedFrame): void {
    const segment = readSegment(frame)
    if (segment === null) return
    const { source, destination } = segment
    const key = source < destination ? `${source} ${destination}` : `${destination} ${source}`
    const known = this.#open.get(key)
    const isNew = segment.syn && !segment.ack && segment.sequence !== known?.initialSequence
    if (known !== undefined && !isNew) return known.add(segment)
    known?.end()
    // a connection that has said nothing yet tells nothing about who is who
    const connection = new Connection(this.#streams++, segment, this.#listener)
    this.#open.set(key, connection)
    if (this.#open.size > MAXIMUM_CONNECTIONS) this.#forgetOldest()
    connection.add(segment)
  }

  end(): void {
    for (const connection of this.#open.values()) connection.end()
    this.#open.clear()
  }

  #forgetOldest(): void {
    for (const [key, connection] of this.#open) {
      connection.end()
      this.#open.delete(key)
      return
    }
  }
}
