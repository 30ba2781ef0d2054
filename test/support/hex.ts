/**
 * Bytes written down field by field: hexadecimal digits, spaces as you like, or bytes as they are.
 *
 * @throws Error for anything that is not pairs of digits, so that a slip of the pen does not make another vector
 */
export function hex(...parts: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? digits(part) : part)))
}

function digits(text: string): Buffer {
  const compact = text.replaceAll(' ', '')
  if (!/^(?:[0-9a-f]{2})*$/.test(compact)) throw new Error(`not hexadecimal: ${text}`)
  return Buffer.from(compact, 'hex')
}

/** A UTF-8 Encoded String: two bytes of length, then the text. */
export function utf8(text: string): Buffer {
  return binary(Buffer.from(text))
}

/** Binary Data: two bytes of length, then the bytes. */
export function binary(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** A Variable Byte Integer of four bytes at most, in its shortest form. */
export function variableByteInteger(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  do {
    bytes.push((rest % 128) + (rest > 127 ? 128 : 0))
    rest = Math.floor(rest / 128)
  } while (rest > 0)
  return Buffer.from(bytes)
}

/** A whole packet: first byte, Remaining Length, body. */
export function packet(firstByte: string, ...body: readonly (string | Uint8Array)[]): Buffer {
  const bytes = hex(...body)
  return hex(firstByte, variableByteInteger(bytes.length), bytes)
}

/** A property section: Property Length, properties. */
export function section(...properties: readonly (string | Uint8Array)[]): Buffer {
  const bytes = hex(...properties)
  return hex(variableByteInteger(bytes.length), bytes)
}
