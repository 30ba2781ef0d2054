import type { DeliveryCounts, ServerSession } from '../session/server-session.ts'

/** Keeps the books of all deliveries: what is given to sessions comes out, waits or is dropped, and nothing else happens. */
export class DeliveryAccounts {
  // of sessions that have ended
  #in = 0
  #out = 0
  #dropped = 0

  /** A session has ended: what became of its messages stays counted. */
  sessionEnded({ deliveryCounts }: ServerSession): void {
    this.#in += deliveryCounts.in
    this.#out += deliveryCounts.out
    this.#dropped += deliveryCounts.dropped
  }

  /** Messages for a Shared Subscription were given up, and they were nobody's. */
  droppedUnclaimed(count: number): void {
    this.#in += count
    this.#dropped += count
  }

  /** @param sessions all that there are */
  sum(sessions: Iterable<ServerSession>): DeliveryCounts {
    const sum = { in: this.#in, out: this.#out, queued: 0, dropped: this.#dropped }
    for (const { deliveryCounts } of sessions) {
      sum.in += deliveryCounts.in
      sum.out += deliveryCounts.out
      sum.queued += deliveryCounts.queued
      sum.dropped += deliveryCounts.dropped
    }
    return sum
  }

  /**
   * Adds up for each session and in all.
   * @param dropped messages given up, as they were counted by reason
   * @throws Error when a message has vanished or was counted twice: a fault of ours
   */
  assertBalance(sessions: Iterable<ServerSession>, dropped: number): void {
    const all = [...sessions]
    for (const session of all) assertBalance(session.deliveryCounts, JSON.stringify(session.clientId))
    const sum = this.sum(all)
    assertBalance(sum, 'all sessions')
    if (dropped !== sum.dropped) {
      throw new Error(`${dropped} drops by reason are not the ${sum.dropped} of all sessions`)
    }
  }
}

function assertBalance(counts: DeliveryCounts, whose: string): void {
  if (counts.in === counts.out + counts.queued + counts.dropped) return
  throw new Error(
    `deliveries of ${whose}: in ${counts.in} is not out ${counts.out} + queued ${counts.queued} + dropped ${counts.dropped}`,
  )
}
