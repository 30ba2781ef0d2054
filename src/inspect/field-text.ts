import { isUtf8 } from 'node:buffer'
import { PacketType, packetTypeNames } from '../codec/packet-type.ts'
import { propertyById } from '../codec/property.ts'
import { formatReasonCode, formatReturnCode } from '../codec/reason-code.ts'
import type { InspectedPacket } from './inspected-packet.ts'
import type { Field } from './trace.ts'

/** Fields whose bits have names: mask, name. */
export type BitRows = readonly (readonly [mask: number, name: string])[]

const PUBLISH_FLAGS: BitRows = [
  [0xf0, 'Packet Type'],
  [0x08, 'DUP'],
  [0x06, 'QoS'],
  [0x01, 'RETAIN'],
]
const OTHER_FLAGS: BitRows = [
  [0xf0, 'Packet Type'],
  [0x0f, 'Reserved'],
]
const bitRows: Readonly<Record<string, BitRows>> = {
  'Connect Flags': [
    [0x80, 'User Name Flag'],
    [0x40, 'Password Flag'],
    [0x20, 'Will Retain'],
    [0x18, 'Will QoS'],
    [0x04, 'Will Flag'],
    [0x02, 'Clean Start'],
    [0x01, 'Reserved'],
  ],
  'Connect Acknowledge Flags': [
    [0xfe, 'Reserved'],
    [0x01, 'Session Present'],
  ],
  'Subscription Options': [
    [0xc0, 'Reserved'],
    [0x30, 'Retain Handling'],
    [0x08, 'Retain As Published'],
    [0x04, 'No Local'],
    [0x03, 'Maximum QoS'],
  ],
}

/** The named bits of a field; null where it is no set of flags. */
export function bitsOf(field: Field, packetType: number): BitRows | null {
  if (field.name === 'Packet Type and Flags') return packetType === PacketType.PUBLISH ? PUBLISH_FLAGS : OTHER_FLAGS
  return bitRows[field.name] ?? null
}

/** `..1. ....` for one mask of a byte. */
export function bitPicture(value: number, mask: number): string {
  const bits = Array.from({ length: 8 }, (_, i) => {
    const bit = 0x80 >> i
    return (mask & bit) === 0 ? '.' : (value & bit) === 0 ? '0' : '1'
  })
  return `${bits.slice(0, 4).join('')} ${bits.slice(4).join('')}`
}

/** The value under a mask, shifted to the right. */
export function bitValue(value: number, mask: number): number {
  return (value & mask) / (mask & -mask)
}

/** A field's value for people, without control characters. */
export function fieldText(
  { name, value }: Field,
  { packetType, version }: Pick<InspectedPacket, 'packetType' | 'version'>,
): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value !== 'number')
    return isUtf8(value) && value.length > 0 ? quoted(value.toString()) : value.toString('hex')
  switch (name) {
    case 'Packet Type and Flags':
      return packetTypeNames[packetType]!
    case 'Reason Code':
      return formatReasonCode(value, packetType as PacketType)
    case 'Return Code':
      return packetType === PacketType.CONNACK ? formatReturnCode(value) : String(value)
    case 'Property Identifier':
      return propertyById[value]?.name ?? `0x${value.toString(16)}`
    case 'Protocol Version':
      return `${value} (MQTT ${version === 5 ? '5.0' : version === 4 ? '3.1.1' : '3.1'})`
    default:
      return String(value)
  }
}

function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
