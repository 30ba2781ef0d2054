import { isUtf8 } from 'node:buffer'

/** What can be wrong with the bytes of a UTF-8 Encoded String (5.0 section 1.5.4). */
export const Utf8Fault = { NONE: 0, NOT_UTF8: 1, HAS_NUL: 2 } as const
export type Utf8Fault = (typeof Utf8Fault)[keyof typeof Utf8Fault]

/** True when all bytes are U+0001 to U+007F, which is what nearly every string of MQTT is. */
export function isPlainAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    // one comparison for both bounds: 0x00 wraps round to a large number
    if (((bytes[i]! - 1) & 0xff) >= 0x7f) return false
  }
  return true
}

/** Judges bytes that are not plain ASCII: surrogates, overlong and cut sequences, U+0000 [MQTT-1.5.4-1, MQTT-1.5.4-2]. */
export function utf8Fault(bytes: Uint8Array, start: number, end: number): Utf8Fault {
  const view = bytes.subarray(start, end)
  if (!isUtf8(view)) return Utf8Fault.NOT_UTF8
  return view.includes(0) ? Utf8Fault.HAS_NUL : Utf8Fault.NONE
}

const LONE_SURROGATE = /\p{Surrogate}/u

/** True when a JavaScript string can be encoded: it has no half of a surrogate pair and no U+0000. */
export function isEncodable(text: string): boolean {
  return !LONE_SURROGATE.test(text) && !text.includes('\0')
}
