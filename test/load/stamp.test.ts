import { describe, expect, it } from 'vitest'
import { STAMP_BYTES, Stamp, StampFormat, sinceUs } from '../../src/load/stamp.ts'

function stamped(format: StampFormat): Buffer {
  const bytes = format.newPayload(7)
  format.write(bytes, 0, 7, 123_456, 5_000_000_123, 42)
  return bytes
}

describe('a stamped payload', () => {
  it('says who sent it, which one it is, when it should have left and how late it did', () => {
    const format = new StampFormat(99, 64)
    const stamp = new Stamp()

    expect(format.read(stamped(format), 0, 64, stamp)).toBe(true)
    expect(stamp).toEqual(
      Object.assign(new Stamp(), {
        publisher: 7,
        sequence: 123_456,
        intendedUs: 5_000_000_123 - 4_294_967_296,
        delayUs: 42,
      }),
    )
  })

  it.each([STAMP_BYTES, 33, 65])('of %i bytes is refused with any bit changed', (size) => {
    const format = new StampFormat(99, size)
    for (let bit = 0; bit < size * 8; bit++) {
      const bytes = stamped(format)
      bytes[bit >> 3]! ^= 1 << (bit & 7)

      expect(format.read(bytes, 0, size, new Stamp()), `bit ${bit}`).toBe(false)
    }
  })

  it('is refused when it is shorter, longer or of another run', () => {
    const format = new StampFormat(99, 24)
    const bytes = Buffer.concat([stamped(format), Buffer.alloc(1)])

    expect(format.read(bytes, 0, 23, new Stamp())).toBe(false)
    expect(format.read(bytes, 0, 25, new Stamp())).toBe(false)
    expect(new StampFormat(98, 24).read(bytes, 0, 24, new Stamp())).toBe(false)
  })
})

it('measures over the turn of the 32-bit clock', () => {
  expect(sinceUs(4_294_967_290, 4_294_967_296 + 10)).toBe(16)
})
