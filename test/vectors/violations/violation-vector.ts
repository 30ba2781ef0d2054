import type { Role } from '../../../src/codec/packet-type.ts'
import type { ViolationName } from '../../../src/codec/violation.ts'

/** Bytes that break a rule, and what the decoder has to say about them. */
export interface ViolationVector {
  readonly title: string
  readonly violation: ViolationName
  /** the statement cited in MQTT 3.1, which borrows those of 3.1.1; absent: not refused so in this version */
  readonly v31?: string | null
  /** the statement cited in MQTT 3.1.1 */
  readonly v311?: string | null
  /** the statement cited in MQTT 5.0 */
  readonly v5?: string | null
  /** the decoder does not know the version yet; the one statement given tells the version it will report */
  readonly beforeConnect?: true
  readonly sender: Role
  readonly bytes: Buffer
  /** of the byte to blame, from the start of the packet */
  readonly offset: number
  readonly field: string | null
  /** where it is more exact than the row's */
  readonly reasonCode?: number
  /** of the receiver; absent: no limit */
  readonly maximumPacketBytes?: number
}

/** Cited in 3.1 and 3.1.1 alike. */
export function before5(statement: string | null): Pick<ViolationVector, 'v31' | 'v311'> {
  return { v31: statement, v311: statement }
}

/** Cited in every version. */
export function everyVersion(v311: string | null, v5: string | null): Pick<ViolationVector, 'v31' | 'v311' | 'v5'> {
  return { ...before5(v311), v5 }
}
