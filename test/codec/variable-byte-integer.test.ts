import { describe, expect, it } from 'vitest'
import { PacketType, Role } from '../../src/codec/packet-type.ts'
import { Reader } from '../../src/codec/reader.ts'
import {
  MAXIMUM_VARIABLE_BYTE_INTEGER,
  variableByteIntegerBytes,
  writeVariableByteInteger,
} from '../../src/codec/variable-byte-integer.ts'
import { hex } from '../support/hex.ts'

describe('a Variable Byte Integer', () => {
  // both ends of each width, as table 1-1 of the standard has them
  it.each([
    [0, '00'],
    [127, '7f'],
    [128, '80 01'],
    [16_383, 'ff 7f'],
    [16_384, '80 80 01'],
    [2_097_151, 'ff ff 7f'],
    [2_097_152, '80 80 80 01'],
    [MAXIMUM_VARIABLE_BYTE_INTEGER, 'ff ff ff 7f'],
  ])('of %i is written and read as %s', (value, digits) => {
    const bytes = hex(digits)
    const written = Buffer.alloc(bytes.length + 2, 0xa5)
    const reader = new Reader(Role.CLIENT)
    reader.open(bytes, 0, 0, bytes.length, PacketType.PUBLISH)

    expect(variableByteIntegerBytes(value)).toBe(bytes.length)
    expect(writeVariableByteInteger(written, 1, value)).toBe(bytes.length + 1)
    expect(written).toEqual(hex('a5', bytes, 'a5'))
    expect(reader.variableByteInteger('Property Length')).toBe(value)
    expect(reader.remaining).toBe(0)
  })
})
