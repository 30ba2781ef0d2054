/**
 * What came first into a Map or Set that has its limit: a sixteenth of it, to be deleted while it is walked through. One by
 * one would be slow: a Map whose first entry is deleted again and again looks through ever more empty places for the next.
 * @param maximum how many entries it may have
 */
export function* oldest<T>(entries: Iterable<T>, maximum: number): Generator<T> {
  let left = Math.ceil(maximum / 16)
  for (const entry of entries) {
    yield entry
    if (--left === 0) return
  }
}
