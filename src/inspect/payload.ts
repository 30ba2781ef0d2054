import { isUtf8 } from 'node:buffer'

/** How a payload may be shown; auto: as JSON or text when it is, else in hex. */
export const payloadKinds = ['auto', 'text', 'json', 'hex', 'base64'] as const
export type PayloadKind = (typeof payloadKinds)[number]

/** A payload as something to show. */
export interface PayloadValue {
  readonly kind: Exclude<PayloadKind, 'auto'>
  readonly value: unknown
}

/** What does not fit the wanted kind is shown in hex. */
export function readPayload(payload: Buffer, kind: PayloadKind): PayloadValue {
  if (kind === 'base64') return { kind, value: payload.toString('base64') }
  if (kind === 'hex' || !isUtf8(payload)) return { kind: 'hex', value: payload.toString('hex') }
  const text = payload.toString()
  const json = kind === 'text' ? undefined : parseJson(text, kind === 'json')
  return json === undefined ? { kind: 'text', value: text } : { kind: 'json', value: json }
}

// undefined: it is none. A number or a word alone is taken for JSON only when that was asked for.
function parseJson(text: string, isWanted: boolean): unknown {
  if (!isWanted && !/^\s*[{[]/.test(text)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    // it only looks like JSON: shown as the text it is
    return undefined
  }
}
