/** How a payload may be shown; auto: as what it is declared to be or is without doubt, else as text, else in hex. */
export const payloadKinds = [
  'auto',
  'text',
  'json',
  'cbor',
  'msgpack',
  'gzip',
  'zlib',
  'sparkplug',
  'protobuf',
  'hex',
  'base64',
] as const
export type PayloadKind = (typeof payloadKinds)[number]

/** A payload as something to show. */
export interface PayloadValue {
  readonly kind: Exclude<PayloadKind, 'auto'>
  /** as JSON has it; of gzip and zlib another PayloadValue: what was compressed */
  readonly value: unknown
  /** why it is not shown as what was asked for, or what it is declared to be */
  readonly problem?: string
}

/** The payload is not of a kind; the message says why. */
export class PayloadError extends Error {}
