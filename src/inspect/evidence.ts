import { Role } from '../codec/packet-type.ts'
import { ProtocolVersion } from '../codec/protocol-version.ts'
import { LenientDecoder } from './lenient-decoder.ts'

/** What is taken for granted about bytes; null: to be found out. */
export interface Known {
  readonly version: ProtocolVersion | null
  readonly sender: Role | null
}

/** Version and sender of bytes, and how sure that is. */
export interface Verdict {
  readonly version: ProtocolVersion
  readonly sender: Role
  /** certain: said so, or CONNECT says it; likely: one reading has fewest issues; assumed: several are as good */
  readonly sureness: 'certain' | 'likely' | 'assumed'
  /** readings, of one version and one sender each, that were tried; 0 when CONNECT says it */
  readonly tried: number
  /** how many of them have as few faults as the one that was taken, itself included */
  readonly asGood: number
}

const JUDGED_BYTES = 16 * 1024
// the earlier one wins where the bytes do not tell
const VERSIONS = [ProtocolVersion.V5, ProtocolVersion.V3_1_1, ProtocolVersion.V3_1]
const PROTOCOL_NAMES = [Buffer.from('\0\x04MQTT', 'latin1'), Buffer.from('\0\x06MQIsdp', 'latin1')]
const SENDERS = [Role.CLIENT, Role.SERVER]

/** Finds version and sender by reading the bytes in each way and counting what is wrong. */
export function judge(bytes: Buffer, known: Known): Verdict {
  const connect = connectVersion(bytes)
  if (connect !== null) return { version: connect, sender: Role.CLIENT, sureness: 'certain', tried: 0, asGood: 1 }
  const versions = known.version === null ? VERSIONS : [known.version]
  const senders = known.sender === null ? SENDERS : [known.sender]
  const readings = versions.flatMap((version) => senders.map((sender) => ({ version, sender, faults: 0 })))
  for (const reading of readings) reading.faults = countFaults(bytes.subarray(0, JUDGED_BYTES), reading)
  const fewest = Math.min(...readings.map(({ faults }) => faults))
  const [best, ...others] = readings.filter(({ faults }) => faults === fewest)
  const sureness = readings.length === 1 ? 'certain' : others.length === 0 ? 'likely' : 'assumed'
  return { version: best!.version, sender: best!.sender, sureness, tried: readings.length, asGood: others.length + 1 }
}

/** The version that a CONNECT at the beginning states; null when the bytes begin otherwise. */
export function connectVersion(bytes: Buffer): ProtocolVersion | null {
  if (bytes[0] !== 0x10) return null
  let at = 1
  while (at < 4 && bytes[at]! >= 0x80) at++
  const name = PROTOCOL_NAMES.find((one) => bytes.subarray(at + 1, at + 1 + one.length).equals(one))
  if (name === undefined) return null
  const level = (bytes[at + 1 + name.length] ?? 0) & 0x7f
  return level >= ProtocolVersion.V3_1 && level <= ProtocolVersion.V5 ? (level as ProtocolVersion) : null
}

function countFaults(bytes: Buffer, { version, sender }: { version: ProtocolVersion; sender: Role }): number {
  const decoder = new LenientDecoder(sender, version)
  return decoder.push(bytes).reduce((sum, { issues }) => sum + issues.length, 0)
}
