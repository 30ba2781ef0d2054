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

it('counts what comes in a row, in every way of looking', () => {
  const histogram = new LatencyHistogram()
  for (const us of [7, 7, 7, 9, 7]) histogram.record(us)
  const other = new LatencyHistogram()
  other.record(7)
  other.merge(histogram)
  const third = new LatencyHistogram()
  third.mergeEncoded(histogram.encode())

  expect(histogram.count).toBe(5)
  expect(histogram.percentileMs(100)).toBe(0.009)
  expect(other.summary()).toMatchObject({ count: 6, minMs: 0.007, p50Ms: 0.007, maxMs: 0.009 })
  expect(third.summary()).toEqual(histogram.summary())
  histogram.record(7)
  histogram.clear()
  expect(histogram.summary()).toBeNull()
})
