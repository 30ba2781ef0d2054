/**
 * How far somebody is ahead of a rate: arithmetic only. What one second allows may come at once; from then on each that comes
 * too early has to be waited for.
 */
export class RateBucket {
  #left: number
  #atMs: number

  /** @param perSecond above 0 */
  constructor(perSecond: number, nowMs: number) {
    this.#left = perSecond
    this.#atMs = nowMs
  }

  /** Takes, whatever is left. @returns milliseconds until as much has come back; 0 when nothing is owed */
  take(count: number, perSecond: number, nowMs: number): number {
    this.#refill(perSecond, nowMs)
    this.#left -= count
    return this.#left >= 0 ? 0 : (-this.#left / perSecond) * 1000
  }

  /** Milliseconds that one would have to wait who took one now. */
  waitMs(perSecond: number, nowMs: number): number {
    this.#refill(perSecond, nowMs)
    return this.#left >= 1 ? 0 : ((1 - this.#left) / perSecond) * 1000
  }

  /** True when a new one would be the same. */
  isFull(perSecond: number, nowMs: number): boolean {
    this.#refill(perSecond, nowMs)
    return this.#left >= perSecond
  }

  #refill(perSecond: number, nowMs: number): void {
    this.#left = Math.min(perSecond, this.#left + ((nowMs - this.#atMs) / 1000) * perSecond)
    this.#atMs = nowMs
  }
}
