/** What --decode takes payloads for. */
export const payloadEncodings = ['hex', 'base64', 'json', 'cbor', 'msgpack'] as const
export type PayloadEncoding = (typeof payloadEncodings)[number]
