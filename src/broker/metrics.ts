import { DROP_REASONS, type DropReason } from '../session/qos-sender.ts'

/** Counters of a broker since its start; they never go down. Arrays are indexed by Control Packet type. */
export class Metrics {
  readonly packetsReceived = new Float64Array(16)
  readonly packetsSent = new Float64Array(16)
  bytesReceived = 0
  bytesSent = 0
  /** PUBLISH packets that clients sent, by QoS */
  readonly messagesReceived = new Float64Array(3)
  /** PUBLISH packets sent to clients, by QoS */
  readonly messagesSent = new Float64Array(3)
  publishBytesReceived = 0
  publishBytesSent = 0
  /** messages given up, by DropReason */
  readonly messagesDropped = new Float64Array(DROP_REASONS)
  /** PUBLISH that nobody subscribed to */
  messagesWithoutSubscriber = 0
  messagesRefused = 0
  /** PUBACK, PUBREC, PUBREL and PUBCOMP of an id that was not open */
  acknowledgementsUnknown = 0
  connectionsOpened = 0
  connectionsRefused = 0
  sessionsExpired = 0

  countDropped(reason: DropReason, count: number): void {
    this.messagesDropped[reason]! += count
  }
}

/** Sum over all packet types, QoS levels or reasons. */
export function total(counters: Float64Array): number {
  let sum = 0
  for (const value of counters) sum += value
  return sum
}
