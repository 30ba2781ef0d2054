import { decode } from 'cborg'
import { PayloadError } from './payload-value.ts'
import { Tagged } from './plain-value.ts'

const TIME_TEXT = 0
const EPOCH_TIME = 1
const UNSIGNED_BIGNUM = 2
const NEGATIVE_BIGNUM = 3
const SELF_DESCRIBED = 55_799

const options = {
  useMaps: true,
  rejectDuplicateMapKeys: true,
  // every tag is known: what has no plain form of its own keeps its number
  tags: new Proxy<Record<number, (content: () => unknown) => unknown>>(
    {},
    { get: (_, tag) => (content: () => unknown) => tagged(Number(tag), content()) },
  ),
}

/**
 * Decodes CBOR (RFC 8949), all of it.
 * @returns maps as Map, bytes as Uint8Array, other tags as Tagged
 * @throws PayloadError with the reason that the library gives
 */
export function decodeCbor(bytes: Uint8Array): unknown {
  try {
    return decode(bytes, options)
  } catch (error) {
    throw new PayloadError((error as Error).message.replace(/^CBOR decode error: /, ''))
  }
}

function tagged(tag: number, value: unknown): unknown {
  if (tag === EPOCH_TIME && typeof value === 'number') return new Date(value * 1000)
  if (value instanceof Uint8Array && tag === UNSIGNED_BIGNUM) return bignum(value)
  if (value instanceof Uint8Array && tag === NEGATIVE_BIGNUM) return -1n - bignum(value)
  if (typeof value === 'string' && tag === TIME_TEXT) return value
  return tag === SELF_DESCRIBED ? value : new Tagged(tag, value)
}

function bignum(bytes: Uint8Array): bigint {
  const hex = Buffer.from(bytes).toString('hex')
  return hex === '' ? 0n : BigInt(`0x${hex}`)
}
