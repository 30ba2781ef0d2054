import { PayloadError } from './payload-value.ts'

/** How a field stands in a message of Protocol Buffers. */
export type WireType =
  | 'integer'
  | 'float'
  | 'double'
  | 'boolean'
  | 'string'
  | 'bytes'
  | { readonly message: () => WireMessage }

/** One field: the key it gets, what it is, and whether there may be several. */
export interface WireField {
  readonly key: string
  readonly type: WireType
  readonly isRepeated?: boolean
}

/** The fields of a message by their number. */
export type WireMessage = Readonly<Record<number, WireField>>

/** What was decoded, by key. Integers are bigint as they stand there: nothing tells whether they have a sign. */
export type WireValues = Readonly<Record<string, unknown>>

const MAXIMUM_DEPTH = 16
const VARINT = 0
const FIXED_64 = 1
const DELIMITED = 2
const FIXED_32 = 5

const wireTypes: Readonly<Record<string, number>> = {
  integer: VARINT,
  boolean: VARINT,
  float: FIXED_32,
  double: FIXED_64,
  string: DELIMITED,
  bytes: DELIMITED,
}

/**
 * Decodes a message of Protocol Buffers whose fields are known. Fields without a row are passed over, as the format has it.
 * @throws PayloadError saying what is wrong, and where
 */
export function decodeWire(bytes: Buffer, message: WireMessage, depth = 0): WireValues {
  if (depth > MAXIMUM_DEPTH) throw new PayloadError(`messages in messages deeper than ${MAXIMUM_DEPTH}`)
  const reader = new WireReader(bytes)
  const values: Record<string, unknown> = {}
  while (!reader.isAtEnd) {
    const tag = Number(reader.varint())
    const wireType = tag & 7
    const field = message[Math.floor(tag / 8)]
    if (tag < 8) throw new PayloadError(`byte ${reader.offset - 1} begins no field`)
    if (field === undefined) {
      reader.skip(wireType)
      continue
    }
    const items = readField(reader, wireType, field, depth)
    if (field.isRepeated === true) values[field.key] = [...((values[field.key] as unknown[]) ?? []), ...items]
    else values[field.key] = items.at(-1)
  }
  return values
}

function readField(
  reader: WireReader,
  wireType: number,
  { key, type, isRepeated }: WireField,
  depth: number,
): unknown[] {
  const own = typeof type === 'object' ? DELIMITED : wireTypes[type]!
  if (wireType === own) return [readValue(reader, type, depth)]
  if (wireType !== DELIMITED || isRepeated !== true) {
    throw new PayloadError(`field ${key} has wire type ${wireType}, not ${own}`)
  }
  // packed
  const inner = new WireReader(reader.delimited())
  const items: unknown[] = []
  while (!inner.isAtEnd) items.push(readValue(inner, type, depth))
  return items
}

function readValue(reader: WireReader, type: WireType, depth: number): unknown {
  if (typeof type === 'object') return decodeWire(reader.delimited(), type.message(), depth + 1)
  switch (type) {
    case 'integer':
      return reader.varint()
    case 'boolean':
      return reader.varint() !== 0n
    case 'float':
      return reader.fixed(4).readFloatLE()
    case 'double':
      return reader.fixed(8).readDoubleLE()
    case 'string':
      return reader.delimited().toString()
    case 'bytes':
      return reader.delimited()
  }
}

const VARINT_BYTES = 10

/** Reads what fields are made of. */
class WireReader {
  offset = 0
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.offset >= this.#bytes.length
  }

  /** 0 to 2^64 - 1 */
  varint(): bigint {
    let value = 0n
    for (let i = 0; i < VARINT_BYTES; i++) {
      const byte = this.#bytes[this.offset++]
      if (byte === undefined) throw new PayloadError('a number goes on behind the end')
      value |= BigInt(byte & 0x7f) << BigInt(7 * i)
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw new PayloadError(`a number of more than ${VARINT_BYTES} bytes at byte ${this.offset - VARINT_BYTES}`)
  }

  fixed(count: number): Buffer {
    const start = this.offset
    if (count > this.#bytes.length - start) throw new PayloadError(`a field goes on behind the end, from byte ${start}`)
    this.offset += count
    return this.#bytes.subarray(start, this.offset)
  }

  delimited(): Buffer {
    return this.fixed(Number(this.varint()))
  }

  skip(wireType: number): void {
    if (wireType === VARINT) this.varint()
    else if (wireType === FIXED_64) this.fixed(8)
    else if (wireType === DELIMITED) this.delimited()
    else if (wireType === FIXED_32) this.fixed(4)
    else throw new PayloadError(`wire type ${wireType} before byte ${this.offset}`)
  }
}
