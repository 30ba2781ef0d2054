import { expect, it } from 'vitest'
import { LatencyHistogram } from '../../src/load/histogram.ts'

it('has no summary while it is empty', () => {
  expect(new LatencyHistogram().summary()).toBeNull()
})

it('gives percentiles in milliseconds within a thousandth', () => {
  const histogram = new LatencyHistogram()
  for (let us = 1; us <= 100_000; us++) histogram.record(us)
  const { count, minMs, p50Ms, p99Ms, p999Ms, maxMs } = histogram.summary()!

  expect(count).toBe(100_000)
  expect(minMs).toBe(0.001)
  expect(Math.abs(p50Ms / 50 - 1)).toBeLessThan(0.001)
  expect(Math.abs(p99Ms / 99 - 1)).toBeLessThan(0.001)
  expect(Math.abs(p999Ms / 99.9 - 1)).toBeLessThan(0.001)
  expect(Math.abs(maxMs / 100 - 1)).toBeLessThan(0.001)
})

it('counts what takes longer than an hour as an hour', () => {
  const histogram = new LatencyHistogram()
  histogram.record(1e13)

  expect(histogram.summary()!.maxMs / 3_600_000).toBeCloseTo(1, 2)
})
