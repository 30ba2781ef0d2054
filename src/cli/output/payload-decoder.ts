import { isUtf8 } from 'node:buffer'
import { compactJson } from './exact-json.ts'
import type { PayloadEncoding } from './payload-encoding.ts'

/** Turns a payload into what it says; null when it is not of its kind. */
export type PayloadDecoder = (payload: Buffer) => Buffer | null

const decoders: Readonly<Record<PayloadEncoding, PayloadDecoder>> = {
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

/** The decoder of one encoding. */
export function payloadDecoder(encoding: PayloadEncoding): PayloadDecoder {
  return decoders[encoding]
}
