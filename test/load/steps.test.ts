import { expect, it, onTestFinished } from 'vitest'
import { Broker } from '../../src/broker/broker.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { LoadCoordinator, LocalPart } from '../../src/load/coordinator.ts'
import type { LoadPlan } from '../../src/load/plan.ts'
import type { LoadResult } from '../../src/load/result.ts'
import { loadPlan } from '../support/load-plan.ts'

async function measured(more: Partial<LoadPlan>, parts = 1): Promise<LoadResult & { broker: never }> {
  const broker = await Broker.start({ port: 0 })
  onTestFinished(() => broker.stop())
  const ports = Array.from({ length: parts }, () => new LocalPart())
  return (await new LoadCoordinator(loadPlan(more, broker.url), ports, {}, null).run()) as never
}

const CLEAN = { lost: 0, duplicated: 0, outOfOrder: 0, corrupted: 0 }
const versions = [ProtocolVersion.V3_1_1, ProtocolVersion.V5]

it.each(versions)('retained messages are stored and read, MQTT level %i', async (version) => {
  const { deliver, steps, failure } = await measured({ scenario: 'retained', messages: 50, version })

  expect(failure).toBeNull()
  expect(steps.map(({ name, count }) => [name, count])).toEqual([
    ['store', 50],
    ['read', 50],
  ])
  expect(deliver).toMatchObject({ ...CLEAN, count: 50, expected: 50 })
})

it.each(versions)('messages wait for a client that is away, MQTT level %i', async (version) => {
  const { deliver, steps, failure } = await measured({ scenario: 'offline', messages: 50, version }, 2)

  expect(failure).toBeNull()
  expect(steps.map(({ name, count }) => [name, count])).toEqual([
    ['queue', 50],
    ['drain', 50],
  ])
  expect(deliver).toMatchObject({ ...CLEAN, count: 50, expected: 50 })
})

it('a storm brings a will of each client, and all of them back', async () => {
  const { deliver, steps, connect, failure } = await measured({ scenario: 'storm', clients: 20, messages: null }, 2)

  expect(failure).toBeNull()
  expect(steps.map(({ name, count }) => [name, count])).toEqual([
    ['wills', 20],
    ['reconnect', 20],
  ])
  expect(deliver).toMatchObject({ ...CLEAN, count: 20, expected: 20 })
  expect(connect).toMatchObject({ count: 42, lost: 0 })
})

it('members of a shared subscription get each message once, together', async () => {
  const { deliver } = await measured({ scenario: 'shared', publishers: 4, subscribers: 3, qos: 1 })

  expect(deliver).toMatchObject({ ...CLEAN, count: 100, expected: 100 })
})

it('a payload template stands in each payload, with the number of its publisher', async () => {
  const { deliver } = await measured({ payload: '{"publisher":%i}', payloadBytes: 40 })

  expect(deliver).toMatchObject({ ...CLEAN, count: 100, expected: 100 })
})
