/** Counters of an overview whose growth is shown. */
export const rateNames = ['messagesReceived', 'messagesSent', 'bytesReceived', 'bytesSent'] as const
export type RateName = (typeof rateNames)[number]
export type Counters = { readonly [name in RateName]: number } & { readonly uptimeSeconds: number }

/** Points of a chart: two minutes at one each second. */
export const MAXIMUM_POINTS = 120

/** Rates per second, from counters that are looked at now and then. */
export class Rates {
  readonly #series: { readonly [name in RateName]: number[] } = {
    messagesReceived: [],
    messagesSent: [],
    bytesReceived: [],
    bytesSent: [],
  }
  #last: Counters | null = null

  /** Takes the next reading. The clock is the broker's own: its uptime. */
  add(counters: Counters): void {
    const last = this.#last
    this.#last = counters
    if (last === null) return
    const seconds = counters.uptimeSeconds - last.uptimeSeconds
    // the broker has started again
    if (seconds <= 0) return
    for (const name of rateNames) {
      const points = this.#series[name]
      points.push(Math.max(0, (counters[name] - last[name]) / seconds))
      if (points.length > MAXIMUM_POINTS) points.shift()
    }
  }

  /** Per second, the newest last. */
  of(name: RateName): readonly number[] {
    return this.#series[name]
  }
}
