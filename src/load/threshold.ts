/** The text is no threshold; the message says what one is. */
export class ThresholdError extends Error {}

type Operator = '<' | '<=' | '>' | '>=' | '==' | '!='

/** A number of a result and what it should be. */
export interface Threshold {
  readonly text: string
  /** names of the result, from the outside in */
  readonly path: readonly string[]
  readonly operator: Operator
  readonly bound: number
}

/** What became of a threshold. */
export interface Verdict {
  readonly threshold: Threshold
  /** null when the result has no such number */
  readonly value: number | null
  readonly holds: boolean
}

const FORM = /^\s*([A-Za-z][\w.]*)\s*(<=|>=|==|!=|<|>)\s*([+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(%?)\s*$/i

/**
 * Reads `latency.response.p99Ms < 20`.
 * @throws ThresholdError
 */
export function parseThreshold(text: string): Threshold {
  const match = FORM.exec(text)
  if (match === null || match[4] !== '') throw new ThresholdError("a comparison, as in 'latency.response.p99Ms < 20'")
  const [, path, operator, bound] = match
  return { text: text.trim(), path: path!.split('.'), operator: operator as Operator, bound: Number(bound) }
}

/** Judges one threshold; what the result does not have fails, for nobody has measured it. */
export function judge(threshold: Threshold, result: object): Verdict {
  const value = numberAt(result, threshold.path)
  return { threshold, value, holds: value !== null && compare(value, threshold.operator, threshold.bound) }
}

/** The number at a path of a result; null when there is none. */
export function numberAt(result: object, path: readonly string[]): number | null {
  let place: unknown = result
  for (const name of path) {
    if (typeof place !== 'object' || place === null || !Object.hasOwn(place, name)) return null
    place = (place as Record<string, unknown>)[name]
  }
  if (typeof place === 'boolean') return place ? 1 : 0
  return typeof place === 'number' ? place : null
}

function compare(value: number, operator: Operator, bound: number): boolean {
  switch (operator) {
    case '<':
      return value < bound
    case '<=':
      return value <= bound
    case '>':
      return value > bound
    case '>=':
      return value >= bound
    case '==':
      return value === bound
    case '!=':
      return value !== bound
  }
}
