import { describe, expect, it } from 'vitest'
import { compareRuns } from '../../src/load/comparison.ts'
import { mannWhitney } from '../../src/load/mann-whitney.ts'

describe('the Mann-Whitney U test', () => {
  it.each([
    [[1, 2, 3, 4], [5, 6, 7, 8], 1 / 70],
    [[1, 2, 3], [4, 5, 6], 1 / 20],
    [[1, 2, 3, 5], [4, 6, 7, 8], 2 / 70],
    [[5, 6, 7, 8], [1, 2, 3, 4], 1],
  ])('counts the orders at least as strong: %j against %j', (a, b, expected) => {
    expect(mannWhitney(a, b)).toBeCloseTo(expected, 10)
  })

  it('approximates with ties and with many values', () => {
    // U = 23, mean 12.5, variance 25 / 12 * (11 - 24 / 90), z = 10 / 4.7287 = 2.1147
    expect(mannWhitney([1, 2, 2, 3, 4], [3, 4, 5, 5, 6])).toBeCloseTo(0.01723, 4)
    const a = Array.from({ length: 30 }, (_, i) => i)
    expect(
      mannWhitney(
        a,
        a.map((value) => value + 20),
      ),
    ).toBeLessThan(1e-6)
    expect(mannWhitney([1, 1], [1, 1])).toBe(1)
  })
})

describe('the comparison of runs', () => {
  const runs = (...rates: number[]) =>
    rates.map((rate) => ({ deliver: { rate }, latency: { service: { p50Ms: 1000 / rate } } }))

  it('finds a lower rate and a higher latency beyond the limit', () => {
    const found = compareRuns(runs(100, 101, 102, 103), runs(80, 81, 82, 83), 0.1)

    expect(found.map(({ name, isRegression }) => [name, isRegression])).toEqual([
      ['deliver.rate', true],
      ['latency.service.p50Ms', true],
    ])
    expect(found[0]!.change).toBeCloseTo(-0.197, 3)
  })

  it.each([
    ['small', runs(97, 98, 99, 99.5)],
    ['by chance', runs(50, 60, 104, 105)],
    ['for the better', runs(150, 151, 152, 153)],
  ])('lets a difference pass that is %s', (_, after) => {
    expect(compareRuns(runs(100, 101, 102, 103), after, 0.1).filter(({ isRegression }) => isRegression)).toEqual([])
  })
})
