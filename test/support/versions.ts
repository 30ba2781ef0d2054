import type { ConnectFields } from '../../src/codec/packets/connect.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'

const { V3_1, V3_1_1, V5 } = ProtocolVersion

/** For `describe.each`: the versions that have numbered statements, and 3.1, which is as 3.1.1 unless a test says otherwise. */
export const EACH_VERSION = [
  ['3.1', V3_1],
  ['3.1.1', V3_1_1],
  ['5.0', V5],
] as const satisfies readonly (readonly [string, ProtocolVersion])[]

/** CONNECT of a client whose session is kept for long when the connection ends, and taken up when it exists. */
export function keeping(version: ProtocolVersion, clientId: string): Partial<ConnectFields> {
  const properties = version === V5 ? { sessionExpiryIntervalSeconds: 1_000_000 } : {}
  return { version, clientId, cleanStart: false, properties }
}
