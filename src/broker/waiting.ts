interface Waiter {
  readonly holds: () => boolean
  readonly resolve: () => void
}

const DEFAULT_TIMEOUT_MS = 5000

/** Promises that resolve when something about the broker holds. */
export class Waiting {
  readonly #waiters = new Set<Waiter>()

  /**
   * @param what is waited for, in words, for the error
   * @param timeoutMs of real time
   * @returns a promise that rejects when the time is over
   */
  until(holds: () => boolean, what: string, timeoutMs: number = DEFAULT_TIMEOUT_MS): Promise<void> {
    if (holds()) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter)
        reject(new Error(`${what} within ${timeoutMs} ms: it did not happen`))
      }, timeoutMs)
      const waiter = {
        holds,
        resolve: () => {
          clearTimeout(timer)
          this.#waiters.delete(waiter)
          resolve()
        },
      }
      this.#waiters.add(waiter)
    })
  }

  /** Something has changed: to be called outside of hot code. */
  changed(): void {
    for (const waiter of this.#waiters) if (waiter.holds()) waiter.resolve()
  }
}
