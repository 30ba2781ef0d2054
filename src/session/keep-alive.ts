const LONGEST_PINGRESP_WAIT_MS = 60_000
const SHORTEST_PINGRESP_WAIT_MS = 1_000

/** Latest moment for the next packet of a client, in ms of the same clock; Infinity when Keep Alive is off [MQTT-3.1.2-24 v311, MQTT-3.1.2-22 v5]. */
export function keepAliveDeadlineMs(keepAliveSeconds: number, lastReceivedMs: number): number {
  return keepAliveSeconds === 0 ? Number.POSITIVE_INFINITY : lastReceivedMs + keepAliveSeconds * 1500
}

/** When a client that has sent nothing since `lastSentMs` sends PINGREQ; Infinity when Keep Alive is off [MQTT-3.1.2-23 v311, MQTT-3.1.2-20 v5]. */
export function pingDueMs(keepAliveSeconds: number, lastSentMs: number): number {
  // a tenth earlier than allowed, so that a late timer does not make a late packet
  return keepAliveSeconds === 0 ? Number.POSITIVE_INFINITY : lastSentMs + keepAliveSeconds * 900
}

/**
 * When a Server that has sent nothing since `sinceMs`, a PINGREQ being open, is given up: half the Keep Alive later, at least
 * 1 s and at most 60 s (U311-3.1.2.10-1 asks for a reasonable time).
 */
export function pingrespOverdueMs(keepAliveSeconds: number, sinceMs: number): number {
  return sinceMs + Math.min(Math.max(keepAliveSeconds * 500, SHORTEST_PINGRESP_WAIT_MS), LONGEST_PINGRESP_WAIT_MS)
}
