import { describe, expect, it } from 'vitest'
import { bytesText, countText, durationText, expiryText, numberText, payloadText } from '../../src/page/text.ts'

describe('text for people', () => {
  it.each([
    [numberText(0), '0'],
    [numberText(0.44), '0.4'],
    [numberText(12_345.6), '12,346'],
    [countText(1, 'topic'), '1 topic'],
    [countText(1000, 'topic'), '1,000 topics'],
    [bytesText(0), '0 B'],
    [bytesText(1023), '1023 B'],
    [bytesText(1536), '1.5 KiB'],
    [bytesText(200 * 1024 * 1024), '200 MiB'],
    [durationText(59.9), '59 s'],
    [durationText(200), '3 min 20 s'],
    [durationText(7500), '2 h 5 min'],
    [durationText(100 * 3600), '4 d 4 h'],
    [expiryText(0), 'ends with its connection'],
    [expiryText(0xffff_ffff), 'never ends'],
    [expiryText(60), '1 min 0 s'],
  ])('%s', (text, expected) => {
    expect(text).toBe(expected)
  })

  const payload = (bytes: Buffer | string, total?: number, isPretty?: boolean) => {
    const given = Buffer.from(bytes)
    return payloadText(given, total ?? given.length, isPretty)
  }

  it('shows a payload as text when it is, else as bytes', () => {
    expect(payload('grüß\n\t\u{1f44b}')).toBe('grüß\n\t\u{1f44b}')
    expect(payload('')).toBe('')
    expect(payload(Buffer.from([0x61, 0x00]))).toBe('61 00')
    expect(payload(Buffer.from([0xff, 0xfe]))).toBe('ff fe')
  })

  it('says when there is more, and minds no character that is cut', () => {
    expect(payload('abc', 5000)).toBe('abc ... (4.9 KiB in all)')
    expect(payload(Buffer.from('ab\u{1f44b}').subarray(0, 5), 6)).toBe('ab ... (6 B in all)')
    expect(payload(Buffer.from('ü').subarray(0, 1))).toBe('c3')
  })

  it('indents JSON when asked, and leaves alone what only looks like it', () => {
    expect(payload('{"a":[1]}', undefined, true)).toBe('{\n  "a": [\n    1\n  ]\n}')
    expect(payload('{"a":[1]}')).toBe('{"a":[1]}')
    expect(payload('{a}', undefined, true)).toBe('{a}')
    expect(payload('12345678901234567890', undefined, true)).toBe('12345678901234567890')
  })
})
