/** Fields of Protocol Buffers, written by hand. */

/** A number of at most 53 bits. */
export function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = BigInt(value)
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0))
    rest >>= 7n
  } while (rest > 0n)
  return Buffer.from(bytes)
}

/** A field that is a number. */
export function field(number: number, value: Buffer): Buffer {
  return Buffer.concat([varint(number * 8), value])
}

/** A field of bytes, or a message. */
export function bytesField(number: number, value: Buffer): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(value.length), value])
}

export function text(number: number, value: string): Buffer {
  return bytesField(number, Buffer.from(value))
}

/** A metric of a Sparkplug payload. */
export function metric(...fields: Buffer[]): Buffer {
  return bytesField(2, Buffer.concat(fields))
}

/** An NBIRTH that gives aliases to two metrics: 1 to temperature, 2 to count. */
export function birth(seq = 0): Buffer {
  return Buffer.concat([
    field(1, varint(1_700_000_000_000)),
    metric(text(1, 'temperature'), field(2, varint(1)), field(4, varint(9)), Buffer.from('650000ac41', 'hex')),
    metric(text(1, 'count'), field(2, varint(2)), field(4, varint(3)), field(10, varint(0xffff_fffd))),
    field(3, varint(seq)),
  ])
}

/** An NDATA that says aliases only. */
export function data(seq: number, alias = 2): Buffer {
  return Buffer.concat([metric(field(2, varint(alias)), field(10, varint(0xffff_ffff))), field(3, varint(seq))])
}
