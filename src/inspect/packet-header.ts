/** The fixed header of a packet. */
export interface Header {
  /** bytes up to the body */
  readonly bodyStart: number
  /** -1: it does not end after four bytes */
  readonly remainingLength: number
}

/** Reads a fixed header. @param end of what there is of {@link bytes}. @returns null: more bytes are needed */
export function readHeader(bytes: Buffer, start: number, end = bytes.length): Header | null {
  let remainingLength = 0
  for (let i = 1; i < 5; i++) {
    if (start + i >= end) return null
    const digit = bytes[start + i]!
    remainingLength |= (digit & 0x7f) << (7 * (i - 1))
    if (digit < 0x80) return { bodyStart: i + 1, remainingLength }
  }
  return { bodyStart: 5, remainingLength: -1 }
}
