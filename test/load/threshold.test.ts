import { expect, it } from 'vitest'
import { judge, parseThreshold, ThresholdError } from '../../src/load/threshold.ts'

const result = { latency: { response: { p99Ms: 20 } }, generator: { saturated: false }, scenario: 'p2p' }

it.each([
  ['latency.response.p99Ms < 20', false],
  ['latency.response.p99Ms <= 20', true],
  ['latency.response.p99Ms>=2e1', true],
  ['latency.response.p99Ms == 20', true],
  ['latency.response.p99Ms != 20', false],
  ['generator.saturated == 0', true],
])('%s: %s', (text, holds) => {
  expect(judge(parseThreshold(text), result).holds).toBe(holds)
})

it.each(['latency.response.p50Ms < 1', 'latency < 1', 'scenario == 0', 'toString != 1'])(
  '%s fails, for there is no such number',
  (text) => {
    expect(judge(parseThreshold(text), result)).toMatchObject({ value: null, holds: false })
  },
)

it.each(['latency', '1 < 2', 'a < b', 'a = 1', 'a < 1%'])('%s is refused', (text) => {
  expect(() => parseThreshold(text)).toThrow(ThresholdError)
})
