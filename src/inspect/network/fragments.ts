import { OVERHEAD_BYTES } from '../limits.ts'
import { oldest } from '../oldest.ts'

/** A part of an IP packet. */
export interface Fragment {
  /** what all fragments of one packet share */
  readonly key: string
  /** bytes of the packet before it */
  readonly offset: number
  readonly isLast: boolean
  /** a view */
  readonly bytes: Buffer
}

const MAXIMUM_PACKET_BYTES = 65_535

interface Incomplete {
  readonly parts: Map<number, Buffer>
  /** of the whole packet; -1 as long as its last fragment has not come */
  totalBytes: number
  heldBytes: number
}

/** Puts IP packets together; bytes that come twice are taken as they came first. */
export class FragmentStore {
  readonly #maximumPackets: number
  readonly #incomplete = new Map<string, Incomplete>()
  heldBytes = 0

  /** @param maximumPackets with more of them the sixteenth that began first is forgotten */
  constructor(maximumPackets: number) {
    this.#maximumPackets = maximumPackets
  }

  /** @returns the packet's body when this fragment makes it whole */
  add({ key, offset, isLast, bytes }: Fragment): Buffer | null {
    if (offset + bytes.length > MAXIMUM_PACKET_BYTES || bytes.length === 0) return null
    let packet = this.#incomplete.get(key)
    if (packet === undefined) {
      packet = { parts: new Map(), totalBytes: -1, heldBytes: 0 }
      this.#incomplete.set(key, packet)
      if (this.#incomplete.size > this.#maximumPackets) {
        for (const first of oldest(this.#incomplete.keys(), this.#maximumPackets)) this.#forget(first)
      }
    }
    if (isLast) packet.totalBytes = offset + bytes.length
    if (!packet.parts.has(offset)) {
      packet.parts.set(offset, Buffer.from(bytes))
      const held = bytes.length + OVERHEAD_BYTES
      packet.heldBytes += held
      this.heldBytes += held
    }
    // every part may be as small as 8 bytes, so this is not looked at before enough have come
    if (packet.totalBytes < 0 || packet.heldBytes < packet.totalBytes) return null
    const whole = join(packet)
    if (whole !== null) this.#forget(key)
    return whole
  }

  #forget(key: string): void {
    this.heldBytes -= this.#incomplete.get(key)?.heldBytes ?? 0
    this.#incomplete.delete(key)
  }
}

// null: bytes are missing
function join({ parts, totalBytes }: Incomplete): Buffer | null {
  const whole = Buffer.alloc(totalBytes)
  let filled = 0
  for (const [offset, bytes] of [...parts].sort(([a], [b]) => a - b)) {
    if (offset > filled) return null
    bytes.copy(whole, filled, filled - offset)
    filled = Math.max(filled, offset + bytes.length)
  }
  return filled >= totalBytes ? whole : null
}
