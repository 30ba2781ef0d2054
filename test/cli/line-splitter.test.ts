import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LineSplitter, PayloadTooLong } from '../../src/cli/input/line-splitter.ts'

const NEWLINE = 0x0a

/** The payloads of a stream that comes in these chunks. */
function split(chunks: readonly Uint8Array[], maximumBytes = 1000): string[] {
  const payloads: string[] = []
  const sink = { payload: (bytes: Buffer) => void payloads.push(bytes.toString('latin1')) }
  const splitter = new LineSplitter(NEWLINE, maximumBytes)
  for (const chunk of chunks) splitter.push(Buffer.from(chunk), sink)
  splitter.end(sink)
  return payloads
}

describe('the line splitter', () => {
  it.each([
    ['', []],
    ['\n', ['']],
    ['a', ['a']],
    ['a\n', ['a']],
    ['a\nb', ['a', 'b']],
    ['a\n\nb\n', ['a', '', 'b']],
    ['\r\n\0\n', ['\r', '\0']],
  ])('cuts %j into %j', (text, payloads) => {
    expect(split([Buffer.from(text)])).toEqual(payloads)
  })

  it('gives the same payloads however the stream is cut', () => {
    const bytes = fc.uint8Array({ min: 8, max: 12, maxLength: 60 })

    fc.assert(
      fc.property(fc.array(bytes), (chunks) => {
        expect(split(chunks)).toEqual(split([Buffer.concat(chunks)]))
      }),
    )
  })

  it('accepts a payload of the largest size, and no larger one, whether its end has come or not', () => {
    expect(split([Buffer.from('12345\n12345')], 5)).toEqual(['12345', '12345'])
    expect(() => split([Buffer.from('123456\n')], 5)).toThrow(PayloadTooLong)
    expect(() => split([Buffer.from('123'), Buffer.from('456')], 5)).toThrow(PayloadTooLong)
    expect(() => split([Buffer.from('123'), Buffer.from('456\n')], 5)).toThrow(PayloadTooLong)
  })
})
