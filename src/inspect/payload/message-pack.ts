import { Decoder, ExtData, ExtensionCodec } from '@msgpack/msgpack'
import { MessagePackShape } from './message-pack-shape.ts'
import { PayloadError } from './payload-value.ts'
import { Extension } from './plain-value.ts'

const decoder = new Decoder({ useBigInt64: true, extensionCodec: new ExtensionCodec() })

/**
 * Decodes MessagePack, all of it.
 * @returns maps as objects, bytes as Uint8Array, 64-bit numbers as bigint, timestamps as Date, other extensions as Extension
 * @throws PayloadError saying why it is none
 */
export function decodeMessagePack(bytes: Buffer): unknown {
  const shape = new MessagePackShape(bytes, false)
  if (!shape.isWhole()) throw new PayloadError(shape.problem)
  return withExtensions(decoder.decode(bytes))
}

// ours, so that nobody else has to know the library
function withExtensions(value: unknown): unknown {
  if (value instanceof ExtData) {
    const data = typeof value.data === 'function' ? value.data(0) : value.data
    return new Extension(value.type, data)
  }
  if (Array.isArray(value)) return value.map(withExtensions)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || value instanceof Date) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withExtensions(item)]))
}
