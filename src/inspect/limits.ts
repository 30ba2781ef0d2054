/**
 * How large anything may grow while captures are read. A capture may be made to do harm: with more of anything, the
 * packets concerned are reported as cut (`inspect-limit`, `capture-incomplete`) and reading goes on.
 */
export interface InspectLimits {
  /** TCP connections followed at a time; with more the sixteenth that was opened first is given up */
  readonly connections: number
  /** bytes of segments, packets and WebSocket messages that wait for their rest, all connections together */
  readonly heldBytes: number
  /** segments of one direction that wait for an earlier one; with more the earlier one is taken for lost */
  readonly waitingSegments: number
  /** IP packets of which fragments are missing; with more the sixteenth that began first is given up */
  readonly fragmentedPackets: number
  /** bytes that one WebSocket message may have when it is inflated */
  readonly inflatedBytes: number
}

export const defaultLimits: InspectLimits = {
  connections: 32_768,
  heldBytes: 64 * 1024 * 1024,
  waitingSegments: 256,
  fragmentedPackets: 256,
  inflatedBytes: 16 * 1024 * 1024,
}

/** What keeping one piece of data costs beside its bytes: its buffer and what describes it, as measured. */
export const OVERHEAD_BYTES = 768
