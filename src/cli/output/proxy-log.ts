import { packetTypeNames, Role } from '../../codec/packet-type.ts'
import type { InspectedPacket } from '../../inspect/inspected-packet.ts'
import type { RelayEnd } from '../../proxy/relay.ts'
import type { Injected } from '../../proxy/tap.ts'

/** Counts what passes a proxy, and says it in words. */
export class ProxyCounts {
  connections = 0
  unreachable = 0
  cut = 0
  #held = 0
  readonly #packets: [number, number] = [0, 0]
  readonly #bytes: [number, number] = [0, 0]
  /** by packet type */
  readonly #dropped: number[] = packetTypeNames.map(() => 0)
  readonly #copies: number[] = packetTypeNames.map(() => 0)

  packet({ packetType, sender }: InspectedPacket, { isDropped, isCopy, heldMs }: Injected): void {
    if (isCopy) this.#copies[packetType]!++
    else this.#packets[sender]!++
    if (isDropped) this.#dropped[packetType]!++
    if (heldMs > 0) this.#held++
  }

  closed({ passedBytes, isCut }: RelayEnd): void {
    if (isCut) this.cut++
    for (const sender of [Role.CLIENT, Role.SERVER]) this.#bytes[sender] += passedBytes[sender]
  }

  /** @param seed of the faults; null when nothing was drawn */
  summary(seed: number | null): string {
    const parts = [
      counted(this.connections, 'connection'),
      `from clients ${counted(this.#packets[0], 'packet')} (${this.#bytes[0]} B passed)`,
      `from the broker ${counted(this.#packets[1], 'packet')} (${this.#bytes[1]} B passed)`,
      listed('dropped', this.#dropped),
      listed('sent twice', this.#copies),
      this.#held === 0 ? '' : `held back ${counted(this.#held, 'packet')}`,
      this.cut === 0 ? '' : `cut ${counted(this.cut, 'connection')}`,
      this.unreachable === 0 ? '' : `turned away ${counted(this.unreachable, 'client')}`,
      seed === null ? '' : `seed ${seed}`,
    ]
    return parts.filter(Boolean).join('; ')
  }
}

/** How a connection ended: `closed by the client`. */
export function endText({ by, error, isCut }: RelayEnd): string {
  if (isCut) return 'cut on purpose (--cut-after)'
  if (by === null) return 'closed by the proxy, which ends'
  const side = by === Role.CLIENT ? 'the client' : 'the broker'
  return error === null ? `closed by ${side}` : `lost by ${side}: ${error.message}`
}

function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

function listed(verb: string, byType: readonly number[]): string {
  const some = byType.flatMap((number, packetType) =>
    number === 0 ? [] : [`${number} ${packetTypeNames[packetType]}`],
  )
  return some.length === 0 ? '' : `${verb} ${some.join(', ')}`
}
