import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isEncodable, isPlainAscii, Utf8Fault, utf8Fault } from '../../src/codec/utf8.ts'

describe('the bytes of a string', () => {
  it('are judged as a strict decoder judges them', () => {
    const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    const faultOf = (bytes: Uint8Array): Utf8Fault => {
      try {
        return strict.decode(bytes).includes('\0') ? Utf8Fault.HAS_NUL : Utf8Fault.NONE
      } catch {
        return Utf8Fault.NOT_UTF8
      }
    }
    // first and continuation bytes at the edges of what is allowed, so that many draws come close to being valid
    const edges = [0x00, 0x01, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xef]
    const byte = fc.oneof(fc.constantFrom(...edges, 0xf0, 0xf4, 0xf5, 0xff), fc.integer({ min: 0, max: 255 }))

    fc.assert(
      fc.property(fc.array(byte, { maxLength: 6 }), (values) => {
        const bytes = Buffer.from([0xff, ...values, 0x00])
        const end = bytes.length - 1
        expect(utf8Fault(bytes, 1, end)).toBe(faultOf(Uint8Array.from(values)))
        expect(isPlainAscii(bytes, 1, end)).toBe(values.every((value) => value > 0 && value < 0x80))
      }),
      { numRuns: 5000 },
    )
  })
})

describe('a text', () => {
  it('can be encoded unless it has half a surrogate pair or U+0000', () => {
    expect(['', 'a', 'é', '\u{feff}', '🐙', '\u{ffff}', '\x01'].map(isEncodable)).toEqual(Array(7).fill(true))
    expect(['\0', 'a\0', '\ud83d', 'a\udc19', '\udc19\ud83d'].map(isEncodable)).toEqual(Array(5).fill(false))
  })
})
