import { describe, expect, it } from 'vitest'
import { PacketType, packetTypeNames, Role } from '../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import {
  formatReasonCode,
  formatReturnCode,
  isReasonCodeAllowed,
  ReasonCode,
  ReturnCode,
  reasonCodeFor,
  reasonCodeName,
  returnCodeFor,
} from '../../src/codec/reason-code.ts'
import { decodeChunks } from '../support/decoding.ts'
import { packet, section } from '../support/hex.ts'
import { AUTHENTICATION_METHOD, sendersOf } from '../support/property-packets.ts'
import { type SpecReasonCode, specTables } from '../vectors/spec.ts'

/** Codes we let pass although the packet's own table does not list them for that side. */
const beyondTheTables: Readonly<Record<string, readonly [code: number, sender: Role, why: string][]>> = {
  DISCONNECT: [
    [0x8c, Role.SERVER, 'table 2-6 lists it for DISCONNECT, table 3-10 does not: understood, never sent'],
    [0x9b, Role.CLIENT, 'section 3.3.4 gives it to Clients, table 3-10 to Servers only'],
  ],
}

const everyCode = Array.from({ length: 256 }, (_, code) => code)
const packets = Object.entries(specTables.reasonCodes).map(([name, codes]) => {
  const type = packetTypeNames.indexOf(name) as PacketType
  return { name, codes, type }
})

function mayBeSent(name: string, codes: readonly SpecReasonCode[], code: number, sender: Role): boolean {
  if (beyondTheTables[name]?.some(([extra, role]) => extra === code && role === sender) === true) return true
  const row = codes.find((one) => one.code === code)
  if (row === undefined) return false
  return row.sender === undefined || row.sender === 'both' || (row.sender === 'client') === (sender === Role.CLIENT)
}

/** A 5.0 packet with this code and whatever else it needs. */
function withCode(type: PacketType, code: number): Buffer {
  const byte = Buffer.from([code])
  switch (type) {
    case PacketType.CONNACK:
      return packet('20', '00', byte, '00')
    case PacketType.SUBACK:
      return packet('90', '00 01 00', byte)
    case PacketType.UNSUBACK:
      return packet('b0', '00 01 00', byte)
    case PacketType.DISCONNECT:
      return packet('e0', byte)
    case PacketType.AUTH:
      return packet('f0', byte, section(AUTHENTICATION_METHOD))
    default:
      return packet(type === PacketType.PUBREL ? '62' : `${type.toString(16)}0`, '00 01', byte)
  }
}

describe.each(packets)('$name', ({ name, codes, type }) => {
  it.each(sendersOf(type))('takes the Reason Codes of its table and no other, from side %d', (sender) => {
    const expected = everyCode.filter((code) => mayBeSent(name, codes, code, sender))
    const accepted = everyCode.filter((code) => {
      const { violation } = decodeChunks([withCode(type, code)], { sender, version: ProtocolVersion.V5 })
      if (violation !== null) expect(violation.violation).toMatch(/_CODE_INVALID$/)
      return violation === null
    })

    expect(accepted).toEqual(expected)
    expect(everyCode.filter((code) => isReasonCodeAllowed(type, code, sender))).toEqual(expected)
  })

  it('has the names of the standard', () => {
    expect(codes.map(({ code }) => reasonCodeName(code, type))).toEqual(codes.map((row) => row.name))
  })
})

describe('Reason Codes', () => {
  it('are all in a table of the standard', () => {
    const known = new Set(Object.values(specTables.reasonCodes).flatMap((codes) => codes.map(({ code }) => code)))

    expect([...new Set<number>(Object.values(ReasonCode))].sort((a, b) => a - b)).toEqual(
      [...known].sort((a, b) => a - b),
    )
  })

  it('are told with number and name', () => {
    expect(formatReasonCode(0x87)).toBe('0x87 Not authorized')
    expect(formatReasonCode(0, PacketType.DISCONNECT)).toBe('0x00 Normal disconnection')
    expect(formatReasonCode(0x05)).toBe('0x05 unknown reason code')
  })
})

describe('return codes of 3.1.1', () => {
  it('stand for the refusals that have one', () => {
    expect(returnCodeFor(ReasonCode.UNSUPPORTED_PROTOCOL_VERSION)).toBe(ReturnCode.UNACCEPTABLE_PROTOCOL_VERSION)
    expect(returnCodeFor(ReasonCode.CLIENT_IDENTIFIER_NOT_VALID)).toBe(ReturnCode.IDENTIFIER_REJECTED)
    expect(returnCodeFor(ReasonCode.SERVER_BUSY)).toBe(ReturnCode.SERVER_UNAVAILABLE)
    expect(returnCodeFor(ReasonCode.SERVER_UNAVAILABLE)).toBe(ReturnCode.SERVER_UNAVAILABLE)
    expect(returnCodeFor(ReasonCode.BAD_USER_NAME_OR_PASSWORD)).toBe(ReturnCode.BAD_USER_NAME_OR_PASSWORD)
    expect(returnCodeFor(ReasonCode.BANNED)).toBe(ReturnCode.NOT_AUTHORIZED)
  })

  it('do not exist for the rest', () => {
    expect(returnCodeFor(ReasonCode.MALFORMED_PACKET)).toBeNull()
    expect(returnCodeFor(ReasonCode.CONNECTION_RATE_EXCEEDED)).toBeNull()
  })

  it('come back from their Reason Code', () => {
    expect(Object.values(ReturnCode).map((code) => returnCodeFor(reasonCodeFor(code)))).toEqual(
      Object.values(ReturnCode),
    )
  })

  it('are told with number and name', () => {
    expect(formatReturnCode(5)).toBe('return code 5 Not authorized')
    expect(formatReturnCode(6)).toBe('return code 6 reserved')
  })
})
