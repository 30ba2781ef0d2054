const LOOK_EVERY_MS = 5

/** @param {number} ms @returns {Promise<void>} */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/**
 * Waits until something holds, or nothing has moved for a while.
 * @param {() => boolean} holds
 * @param {number} patienceMs
 * @param {() => unknown} progress as long as its value changes, patience begins anew
 * @returns {Promise<boolean>} what `holds` said last
 */
export async function until(holds, patienceMs, progress = () => 0) {
  let seen = progress()
  let since = performance.now()
  while (!holds()) {
    if (progress() !== seen) {
      seen = progress()
      since = performance.now()
    }
    if (performance.now() - since > patienceMs) return false
    await pause(LOOK_EVERY_MS)
  }
  return true
}
