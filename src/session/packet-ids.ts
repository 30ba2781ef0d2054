/** The largest Packet Identifier; 0 is never used [MQTT-2.3.1-1 v311, MQTT-2.2.1-3 v5]. */
export const MAXIMUM_PACKET_ID = 65_535

/** Something that knows which Packet Identifiers are open. */
export interface OpenPacketIds {
  readonly size: number
  has(packetId: number): boolean
}

/** Allocates Packet Identifiers in rising order, 1 after 65,535, leaving out those that are open. */
export class PacketIds {
  #last: number

  /** @param last the one allocated last, 0 at the start of a session */
  constructor(last = 0) {
    this.#last = last
  }

  /** Goes on behind an id: of a session that was restored. */
  goOnAfter(packetId: number): void {
    this.#last = packetId
  }

  get last(): number {
    return this.#last
  }

  /** @returns an id that neither owner has open; 0 when all 65,535 are taken */
  allocate(open: OpenPacketIds, alsoOpen: OpenPacketIds | null = null): number {
    if (open.size + (alsoOpen?.size ?? 0) >= MAXIMUM_PACKET_ID) return 0
    let packetId = this.#last
    do {
      packetId = packetId === MAXIMUM_PACKET_ID ? 1 : packetId + 1
    } while (open.has(packetId) || alsoOpen?.has(packetId))
    this.#last = packetId
    return packetId
  }
}
