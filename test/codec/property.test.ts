import { describe, expect, it } from 'vitest'
import { PacketType, Role } from '../../src/codec/packet-type.ts'
import {
  mayStandIn,
  type PropertyPlace,
  type PropertyRow,
  PropertyType,
  properties,
  WILL_PROPERTIES,
} from '../../src/codec/property.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { decodeChunks } from '../support/decoding.ts'
import { binary, hex, utf8, variableByteInteger } from '../support/hex.ts'
import { AUTHENTICATION_METHOD, packetWith, placesByName, sendersOf } from '../support/property-packets.ts'
import { type SpecProperty, specTables } from '../vectors/spec.ts'

const places = Object.entries(placesByName)

const types: Readonly<Record<SpecProperty['type'], PropertyType>> = {
  byte: PropertyType.BYTE,
  uint16: PropertyType.UINT16,
  uint32: PropertyType.UINT32,
  varint: PropertyType.VARIABLE_BYTE_INTEGER,
  utf8: PropertyType.STRING,
  binary: PropertyType.BINARY,
  utf8pair: PropertyType.STRING_PAIR,
}
const widths: Readonly<Partial<Record<SpecProperty['type'], number>>> = { byte: 1, uint16: 2, uint32: 4 }

/** Property identifier and a value. */
function encoded({ id, type }: SpecProperty, value = 1): Buffer {
  return hex(Buffer.from([id]), valueBytes(type, value))
}

function valueBytes(type: SpecProperty['type'], value: number): Buffer {
  switch (type) {
    case 'varint':
      return variableByteInteger(value)
    case 'utf8':
      return utf8('v')
    case 'binary':
      return binary(Buffer.from([0]))
    case 'utf8pair':
      return hex(utf8('n'), utf8('v'))
    default: {
      const bytes = Buffer.alloc(widths[type]!)
      bytes.writeUIntBE(value, 0, bytes.length)
      return bytes
    }
  }
}

/** What AUTH needs beside the property, and Authentication Data everywhere. */
function company(property: SpecProperty, placeName: string): Buffer {
  const needsMethod = placeName === 'AUTH' || property.name === 'Authentication Data'
  return needsMethod && property.name !== 'Authentication Method' && placeName !== 'WILL'
    ? AUTHENTICATION_METHOD
    : Buffer.alloc(0)
}

/** @returns name of the violation, or `accepted` */
function verdict(bytes: Buffer, place: PropertyPlace, sender: Role): string {
  const isConnect = place === WILL_PROPERTIES || place === PacketType.CONNECT
  const version = isConnect ? null : ProtocolVersion.V5
  const { decoded, violation } = decodeChunks([bytes], { sender, version })
  expect(decoded).toHaveLength(violation === null ? 1 : 0)
  return violation?.violation ?? 'accepted'
}

function mayUse(property: SpecProperty, placeName: string, sender: Role): boolean {
  const only = property.sender?.[placeName]
  return only === undefined || (only === 'client') === (sender === Role.CLIENT)
}

describe('the table of properties', () => {
  it('has the 27 properties of the standard, field by field', () => {
    const ours = properties.map((row: PropertyRow) => ({
      id: row.id,
      name: row.name,
      type: row.type,
      packets: places.filter(([, place]) => mayStandIn(row, place)).map(([name]) => name),
      list: row.list,
    }))
    const theirs = specTables.properties.map(({ id, name, type, packets, repeat }) => ({
      id,
      name,
      type: types[type],
      packets: places.map(([place]) => place).filter((place) => packets.includes(place)),
      list: repeat.length > 0,
    }))

    expect(ours).toEqual(theirs)
    expect(ours).toHaveLength(27)
  })

  it('names each field once', () => {
    const keys = properties.map(({ key }) => key)

    expect(keys).toEqual([...new Set(keys)])
  })
})

describe.each(specTables.properties)('$name', (property) => {
  it.each(places)('stands in %s as the standard says, and from the side that may use it', (placeName, place) => {
    for (const sender of sendersOf(place)) {
      const bytes = packetWith(place, company(property, placeName), encoded(property))
      const allowed = property.packets.includes(placeName)
      const expected = allowed ? (mayUse(property, placeName, sender) ? 'accepted' : 'refused') : 'PROPERTY_NOT_ALLOWED'
      const actual = verdict(bytes, place, sender)

      expect(expected === 'refused' ? actual !== 'accepted' : actual === expected, `sender ${sender}: ${actual}`).toBe(
        true,
      )
    }
  })

  it.each(places.filter(([placeName]) => property.packets.includes(placeName)))(
    'stands twice in %s only where the standard says so',
    (placeName, place) => {
      for (const sender of sendersOf(place).filter((role) => mayUse(property, placeName, role))) {
        const bytes = packetWith(place, company(property, placeName), encoded(property), encoded(property))
        const expected = property.repeat.includes(placeName) ? 'accepted' : 'PROPERTY_REPEATED'

        expect(verdict(bytes, place, sender)).toBe(expected)
      }
    },
  )

  const [placeName] = property.packets
  const place = placesByName[placeName!]!
  const sender = sendersOf(place).find((role) => mayUse(property, placeName!, role))!
  const accepts = (value: number): boolean =>
    verdict(packetWith(place, company(property, placeName!), encoded(property, value)), place, sender) === 'accepted'

  if (property.values !== undefined) {
    it('takes the values of the standard and no other byte', () => {
      const accepted = Array.from({ length: 256 }, (_, value) => value).filter(accepts)

      expect(accepted).toEqual(property.values)
    })
  }

  if (property.range !== undefined) {
    const [minimum, maximum] = property.range
    it(`takes ${minimum} to ${maximum}`, () => {
      expect([minimum, minimum + 1, maximum - 1, maximum].map(accepts)).toEqual([true, true, true, true])
      if (minimum > 0) expect(accepts(minimum - 1)).toBe(false)
    })
  }
})
