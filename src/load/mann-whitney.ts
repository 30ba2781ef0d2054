/**
 * The Mann-Whitney U test, one-sided: are values of `b` larger than those of `a` beyond what chance explains? It asks for no
 * distribution, which suits rates and latencies. Exact without ties and up to 12 values a side; else by the normal approximation
 * with correction for ties and continuity.
 *
 * @returns the probability of such an order or a stronger one if both came from the same source, 0 to 1
 */
export function mannWhitney(a: readonly number[], b: readonly number[]): number {
  if (a.length === 0 || b.length === 0) return 1
  const u = b.reduce((sum, y) => sum + a.reduce((wins, x) => wins + (y > x ? 1 : y === x ? 0.5 : 0), 0), 0)
  const all = [...a, ...b]
  const hasTies = new Set(all).size < all.length
  return hasTies || Math.max(a.length, b.length) > MOST_EXACT
    ? approximate(u, all, a.length, b.length)
    : exact(u, a.length, b.length)
}

const MOST_EXACT = 12

// Of all orders of the values, those with at least this U.
function exact(u: number, m: number, n: number): number {
  const counts = orders(m, n)
  const total = counts.reduce((sum, count) => sum + count, 0)
  return counts.slice(u).reduce((sum, count) => sum + count, 0) / total
}

// counts[u]: orders of m and n values with this U. The largest value is of b and beats all of a, or it is of a.
function orders(m: number, n: number): number[] {
  if (m === 0 || n === 0) return [1]
  const counts: number[] = Array(m * n + 1).fill(0)
  for (const [u, count] of orders(m, n - 1).entries()) counts[u + m]! += count
  for (const [u, count] of orders(m - 1, n).entries()) counts[u]! += count
  return counts
}

function approximate(u: number, all: readonly number[], m: number, n: number): number {
  const size = m + n
  const groups = new Map<number, number>()
  for (const value of all) groups.set(value, (groups.get(value) ?? 0) + 1)
  const ties = [...groups.values()].reduce((sum, t) => sum + t ** 3 - t, 0)
  const variance = ((m * n) / 12) * (size + 1 - ties / (size * (size - 1)))
  if (variance === 0) return 1
  return 1 - normal((u - (m * n) / 2 - 0.5) / Math.sqrt(variance))
}

// The normal distribution function, by Abramowitz and Stegun 26.2.17: within 7.5e-8.
function normal(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z))
  const tail =
    (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return z >= 0 ? 1 - tail : tail
}
