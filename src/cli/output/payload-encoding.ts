/** What --decode takes payloads for. */
export const payloadEncodings = ['hex', 'base64', 'json'] as const
export type PayloadEncoding = (typeof payloadEncodings)[number]
