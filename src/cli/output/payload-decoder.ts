import { isUtf8 } from 'node:buffer'
import type { StructuredKind } from '../../inspect/payload/structured.ts'
import { compactJson } from './exact-json.ts'
import type { PayloadEncoding } from './payload-encoding.ts'

/** Turns a payload into what it says; null when it is not of its kind. */
export type PayloadDecoder = (payload: Buffer) => Buffer | null

const decoders: Readonly<Record<Exclude<PayloadEncoding, StructuredKind>, PayloadDecoder>> = {
  hex: (payload) => {
    const text = payload.toString('latin1').replaceAll(/\s/g, '')
    return text.length % 2 === 0 && /^[0-9a-f]*$/i.test(text) ? Buffer.from(text, 'hex') : null
  },
  base64: (payload) => {
    const text = payload.toString('latin1').replaceAll(/\s/g, '')
    return /^(?:[A-Za-z0-9+/_-]{4})*(?:[A-Za-z0-9+/_-]{2,3}={0,2})?$/.test(text) ? Buffer.from(text, 'base64') : null
  },
  json: (payload) => {
    const compact = isUtf8(payload) ? compactJson(payload.toString()) : null
    return compact === null ? null : Buffer.from(compact)
  },
}

/** The decoder of one encoding; those that need a library are loaded. */
export async function payloadDecoder(encoding: PayloadEncoding): Promise<PayloadDecoder> {
  if (encoding !== 'cbor' && encoding !== 'msgpack') return decoders[encoding]
  const { readStructured } = await import('../../inspect/payload/structured.ts')
  return (payload) => {
    try {
      return Buffer.from(JSON.stringify(readStructured(payload, encoding)))
    } catch {
      // the payload is no such thing; it is the caller who says so
      return null
    }
  }
}
