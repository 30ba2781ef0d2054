import { describe, expect, it } from 'vitest'
import { ClientError, ClientErrorKind } from '../../src/client/client-error.ts'
import { DEFAULT_RECONNECT_POLICY, isWorthRetrying, reconnectDelayMs } from '../../src/client/reconnect.ts'

const policy = { minimumDelayMs: 100, maximumDelayMs: 1_000, jitter: 0, maximumAttempts: Number.POSITIVE_INFINITY }

describe('reconnectDelayMs', () => {
  it('doubles from the minimum to the maximum and stays there', () => {
    const delays = [1, 2, 3, 4, 5, 6, 5_000].map((attempt) => reconnectDelayMs(policy, attempt, 0))

    expect(delays).toEqual([100, 200, 400, 800, 1_000, 1_000, 1_000])
  })

  it.each([
    [0, 100],
    [0.5, 75],
    [0.999_999, 50.000_05],
  ])('leaves the share of the jitter to chance: drawn %f', (random, delayMs) => {
    expect(reconnectDelayMs({ ...policy, jitter: 0.5 }, 1, random)).toBeCloseTo(delayMs)
  })

  it('ends after the last attempt', () => {
    const three = { ...policy, maximumAttempts: 3 }

    expect([3, 4].map((attempt) => reconnectDelayMs(three, attempt, 0))).toEqual([400, null])
    expect(reconnectDelayMs({ ...policy, maximumAttempts: 0 }, 1, 0)).toBeNull()
  })

  it('never ends by default', () => {
    expect(reconnectDelayMs(DEFAULT_RECONNECT_POLICY, 1_000_000, 1)).toBeGreaterThan(0)
  })
})

describe('isWorthRetrying', () => {
  const { CONNECT_REFUSED, DISCONNECTED, ...others } = ClientErrorKind

  it.each([
    ['CANNOT_CONNECT', true],
    ['NO_CONNACK', true],
    ['CONNECTION_LOST', true],
    ['TAKEN_OVER', false],
    ['PROTOCOL', false],
    ['NOT_MQTT', false],
    ['PUBLISH_REFUSED', false],
    ['CLOSED', false],
  ] as const)('says for %s: %s', (kind, is) => {
    expect(isWorthRetrying(new ClientError(others[kind], ''))).toBe(is)
  })

  it.each([
    [CONNECT_REFUSED, 0x84, false],
    [CONNECT_REFUSED, 0x85, false],
    [CONNECT_REFUSED, 0x86, false],
    [CONNECT_REFUSED, 0x87, false],
    [CONNECT_REFUSED, 0x88, true],
    [CONNECT_REFUSED, 0x89, true],
    [CONNECT_REFUSED, 0x8a, false],
    [CONNECT_REFUSED, 0x9f, true],
    [DISCONNECTED, 0x00, true],
    [DISCONNECTED, 0x81, false],
    [DISCONNECTED, 0x8b, true],
    [DISCONNECTED, 0x8d, true],
    [DISCONNECTED, 0x98, true],
    [DISCONNECTED, 0x9d, false],
  ] as const)('says for %s with 0x%x: %s', (kind, reasonCode, is) => {
    expect(isWorthRetrying(new ClientError(kind, '', { reasonCode }))).toBe(is)
  })
})
