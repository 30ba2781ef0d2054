/** Protocol Level of CONNECT. MQTT 3.1 is 3, 3.1.1 is 4, 5.0 is 5. */
export const ProtocolVersion = { V3_1: 3, V3_1_1: 4, V5: 5 } as const
export type ProtocolVersion = (typeof ProtocolVersion)[keyof typeof ProtocolVersion]

/** The version as people write it: `3.1`, `3.1.1`, `5.0`. */
export function protocolVersionName(version: ProtocolVersion): string {
  return version === ProtocolVersion.V5 ? '5.0' : version === ProtocolVersion.V3_1_1 ? '3.1.1' : '3.1'
}
