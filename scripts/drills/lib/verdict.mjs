// Figures of a drill, each with what it must be.

export class Verdict {
  isPassed = true

  /** @param {string} what @param {string | number} value */
  tell(what, value) {
    console.log(`        ${what}: ${text(value)}`)
  }

  /** @param {string} what @param {number | boolean} value @param {string} wanted in words @param {boolean} holds */
  demand(what, value, wanted, holds) {
    console.log(`${holds ? 'ok      ' : 'FAILED  '}${what}: ${text(value)} (${wanted})`)
    if (!holds) this.isPassed = false
  }

  /** @param {string} what @param {number} value @param {number} most @param {string} [unit] */
  atMost(what, value, most, unit = '') {
    this.demand(what, value, `at most ${text(most)}${unit === '' ? '' : ` ${unit}`}`, value <= most)
  }

  /** @param {string} what @param {number} value @param {number} expected */
  equals(what, value, expected) {
    this.demand(what, value, `has to be ${expected}`, value === expected)
  }
}

/** @param {string | number | boolean} value */
function text(value) {
  return typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(2) : String(value)
}

/** @param {number[]} values @param {number} share of 1 */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
