// Random moments that a seed repeats.

/**
 * @param {number} seed any integer
 * @returns {() => number} from 0 up to but not including 1: mulberry32
 */
export function randomFrom(seed) {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b_79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}
