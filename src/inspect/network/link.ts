import type { CapturedFrame } from './capture-file.ts'

const LINK_NULL = 0
const LINK_EN10MB = 1
const LINK_RAW = new Set([12, 14, 101, 228, 229])
const LINK_LOOP = 108
const LINK_SLL = 113
const LINK_SLL2 = 276
/** 802.1Q, 802.1ad, and what switches used before it for the outer tag. */
const VLAN_TYPES = new Set([0x8100, 0x88a8, 0x9100, 0x9200, 0x9300])
const PPPOE_SESSION = 0x8864

/**
 * Bytes before the IP packet; all of the frame when the link type is unknown. The IP version in the first nibble says all
 * that the link header says, so the link header is only measured.
 */
export function linkHeaderBytes({ linkType, bytes }: CapturedFrame): number {
  if (LINK_RAW.has(linkType)) return 0
  if (linkType === LINK_NULL || linkType === LINK_LOOP) return 4
  if (linkType === LINK_SLL) return behindTags(bytes, 14)
  if (linkType === LINK_SLL2) return 20
  return linkType === LINK_EN10MB ? behindTags(bytes, 12) : bytes.length
}

// @param at of the EtherType
function behindTags(bytes: Buffer, at: number): number {
  let typeAt = at
  while (typeAt + 6 <= bytes.length && VLAN_TYPES.has(bytes.readUInt16BE(typeAt))) typeAt += 4
  const isPppoe = typeAt + 2 <= bytes.length && bytes.readUInt16BE(typeAt) === PPPOE_SESSION
  return typeAt + (isPppoe ? 10 : 2)
}
