import { defaultLimits } from '../limits.ts'
import type { CapturedFrame } from './capture-file.ts'
import { type Fragment, FragmentStore } from './fragments.ts'
import { linkHeaderBytes } from './link.ts'
import type { Segment } from './segment.ts'

const PROTOCOL_TCP = 6
const FRAGMENT_HEADER = 44
const AUTHENTICATION_HEADER = 51
/** Hop-by-Hop, Routing, Destination, Mobility, HIP, Shim6: all tell their length in the same way. */
const IPV6_EXTENSIONS = new Set([0, 43, 60, 135, 139, 140])

/** Finds the TCP segment of a frame (RFC 791, RFC 8200, RFC 9293); keeps IP fragments until their packet is whole. */
export class IpReader {
  readonly #fragments: FragmentStore

  constructor(maximumFragmentedPackets = defaultLimits.fragmentedPackets) {
    this.#fragments = new FragmentStore(maximumFragmentedPackets)
  }

  /** Bytes of fragments that wait for the rest. */
  get heldBytes(): number {
    return this.#fragments.heldBytes
  }

  /** @returns null for anything but TCP, for a fragment that completes nothing, and for headers that are cut */
  read(frame: CapturedFrame): Segment | null {
    const { bytes } = frame
    const at = linkHeaderBytes(frame)
    if (at + 20 > bytes.length) return null
    const version = bytes[at]! >> 4
    if (version === 4) return this.#ipv4(frame, at)
    return version === 6 && at + 40 <= bytes.length ? this.#ipv6(frame, at) : null
  }

  #ipv4(frame: CapturedFrame, at: number): Segment | null {
    const { bytes } = frame
    if (bytes[at + 9] !== PROTOCOL_TCP) return null
    // Ethernet pads short frames; a length of 0 is left to the network card by some senders
    const total = bytes.readUInt16BE(at + 2) || bytes.length - at
    const body = at + (bytes[at]! & 0xf) * 4
    const fragment = bytes.readUInt16BE(at + 6)
    if ((fragment & 0x3fff) === 0) return readTcp(frame, bytes, at + 12, 4, body, at + total)
    return this.#fragment(frame, at + 12, 4, {
      key: bytes.toString('latin1', at + 12, at + 20) + bytes.toString('latin1', at + 4, at + 6),
      offset: (fragment & 0x1fff) * 8,
      isLast: (fragment & 0x2000) === 0,
      bytes: bytes.subarray(body, at + total),
    })
  }

  #ipv6(frame: CapturedFrame, at: number): Segment | null {
    const { bytes } = frame
    const end = at + 40 + (bytes.readUInt16BE(at + 4) || bytes.length - at - 40)
    let next = bytes[at + 6]!
    let body = at + 40
    while (next !== PROTOCOL_TCP) {
      if (body + 8 > bytes.length) return null
      if (next === FRAGMENT_HEADER) {
        const fragment = bytes.readUInt16BE(body + 2)
        next = bytes[body]!
        if ((fragment & 0xfff9) === 0) body += 8
        else if (next !== PROTOCOL_TCP) return null
        else {
          return this.#fragment(frame, at + 8, 16, {
            key: bytes.toString('latin1', at + 8, at + 40) + bytes.toString('latin1', body + 4, body + 8),
            offset: fragment & 0xfff8,
            isLast: (fragment & 1) === 0,
            bytes: bytes.subarray(body + 8, end),
          })
        }
        continue
      }
      if (!IPV6_EXTENSIONS.has(next) && next !== AUTHENTICATION_HEADER) return null
      const words = bytes[body + 1]!
      const length = next === AUTHENTICATION_HEADER ? (words + 2) * 4 : (words + 1) * 8
      next = bytes[body]!
      body += length
    }
    return readTcp(frame, bytes, at + 8, 16, body, end)
  }

  #fragment(frame: CapturedFrame, addressesAt: number, addressBytes: number, fragment: Fragment): Segment | null {
    const whole = this.#fragments.add(fragment)
    if (whole === null) return null
    const packet = Buffer.concat([frame.bytes.subarray(addressesAt, addressesAt + addressBytes * 2), whole])
    return readTcp(frame, packet, 0, addressBytes, addressBytes * 2, packet.length)
  }
}

function readTcp(
  frame: CapturedFrame,
  bytes: Buffer,
  addressesAt: number,
  addressBytes: number,
  at: number,
  end: number,
): Segment | null {
  if (at + 20 > bytes.length || at + 20 > end) return null
  const flags = bytes[at + 13]!
  const payloadAt = at + (bytes[at + 12]! >> 4) * 4
  const addresses = addressesAt + addressBytes * 2
  const flow =
    addresses === at
      ? bytes.toString('latin1', addressesAt, at + 4)
      : bytes.toString('latin1', addressesAt, addresses) + bytes.toString('latin1', at, at + 4)
  return {
    frame: frame.number,
    timeSeconds: frame.timeSeconds,
    flow,
    sequence: bytes.readUInt32BE(at + 4),
    syn: (flags & 2) !== 0,
    ack: (flags & 16) !== 0,
    fin: (flags & 1) !== 0,
    reset: (flags & 4) !== 0,
    payload: bytes.subarray(payloadAt, end),
    missingBytes: Math.max(0, end - Math.max(payloadAt, bytes.length)),
  }
}
