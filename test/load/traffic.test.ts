import { describe, expect, it, onTestFinished } from 'vitest'
import type { Access, Authentication } from '../../src/broker/access.ts'
import { Broker } from '../../src/broker/broker.ts'
import { Message } from '../../src/codec/message.ts'
import { Publish } from '../../src/codec/packets/publish.ts'
import { Arrivals } from '../../src/load/arrivals.ts'
import { LoadCoordinator, LocalPart } from '../../src/load/coordinator.ts'
import type { LoadPlan } from '../../src/load/plan.ts'
import type { LoadResult } from '../../src/load/result.ts'
import { StampFormat } from '../../src/load/stamp.ts'
import { Tally } from '../../src/load/tally.ts'
import { loadPlan } from '../support/load-plan.ts'

async function measured(more: Partial<LoadPlan>, parts = 1): Promise<LoadResult> {
  const broker = await Broker.start({ port: 0 })
  onTestFinished(() => broker.stop())
  const ports = Array.from({ length: parts }, () => new LocalPart())
  return new LoadCoordinator(loadPlan(more, broker.url), ports, {}, null).run()
}

/** Lets nobody in. */
class RefusingAccess implements Access {
  authenticate(): Authentication {
    return { refused: 0x87 }
  }

  beginEnhanced(): null {
    return null
  }

  rightsOf(): never {
    throw new Error('nobody is in')
  }
}

const CLEAN = { lost: 0, duplicated: 0, outOfOrder: 0, corrupted: 0 }

describe('a load', () => {
  it.each([0, 1, 2] as const)(
    'in a closed loop delivers, times and acknowledges every message at QoS %i',
    async (qos) => {
      const { publish, deliver, latency, ack, connect, failure } = await measured({ qos })

      expect(failure).toBeNull()
      expect(connect).toMatchObject({ count: 4, failed: 0, lost: 0 })
      expect(publish).toMatchObject({ count: 100, refused: 0, acknowledged: qos === 0 ? 0 : 100 })
      expect(deliver).toMatchObject({ ...CLEAN, count: 100, expected: 100 })
      expect(latency.service!.count).toBe(100)
      expect(latency.response).toBeNull()
      expect(ack?.count ?? 0).toBe(qos === 0 ? 0 : 100)
    },
  )

  it('in an open loop has a response latency, never below that of service', async () => {
    const { deliver, latency } = await measured({ rate: 2000, qos: 1 })

    expect(deliver).toMatchObject({ ...CLEAN, count: 100, expected: 100 })
    expect(latency.response!.count).toBe(100)
    expect(latency.response!.minMs).toBeGreaterThanOrEqual(latency.service!.minMs)
  })

  it.each([
    ['fanin', { publishers: 5, subscribers: 2 }, 100],
    ['fanout', { publishers: 2, subscribers: 7 }, 700],
    ['rtt', { clients: 3, window: 1 }, 100],
  ] as const)('%s knows how many deliveries each message has', async (scenario, cast, expected) => {
    expect((await measured({ scenario, ...cast })).deliver).toMatchObject({ ...CLEAN, count: expected, expected })
  })

  it.each(['p2p', 'fanout'] as const)('%s in two parts is counted as one', async (scenario) => {
    const { publish, deliver, generator } = await measured({ scenario, publishers: 2, subscribers: 4, clients: 4 }, 2)

    expect(generator.parts).toBe(2)
    expect(publish.count).toBe(100)
    const expected = scenario === 'fanout' ? 400 : 100
    expect(deliver).toMatchObject({ ...CLEAN, count: expected, expected })
  })

  it('conn holds connections', async () => {
    const { connect, publish } = await measured({ scenario: 'conn', clients: 50, messages: null, durationMs: 50 })

    expect(connect).toMatchObject({ count: 50, failed: 0, lost: 0 })
    expect(publish.count).toBe(0)
  })

  it('of a broker that refuses connections tells so, and sends nothing', async () => {
    const broker = await Broker.start({ port: 0, access: new RefusingAccess() })
    onTestFinished(() => broker.stop())
    const result = await new LoadCoordinator(loadPlan({}, broker.url), [new LocalPart()], {}, null).run()

    expect(result.failure).toMatchObject({ kind: 'CONNECT_REFUSED' })
    expect(result.connect.count).toBe(0)
    expect(result.publish.count).toBe(0)
  })

  it('of a broker that dies ends at once and tells what was lost', async () => {
    const broker = await Broker.start({ port: 0 })
    onTestFinished(() => broker.stop())
    const plan = loadPlan({ messages: null, durationMs: 600_000, rate: 1000 }, broker.url)
    const observer = { sample: () => void broker.stop() }
    const result = await new LoadCoordinator(plan, [new LocalPart()], observer, null).run()

    expect(result.connect.lost).toBe(4)
    expect(result.failure).toMatchObject({ kind: 'DISCONNECTED' })
    expect(result.publish.count).toBeGreaterThan(0)
  })
})

it('counts the acknowledgements of the warm-up, and does not time them', async () => {
  const { publish, ack } = await measured({ qos: 1, messages: null, warmupMs: 100, durationMs: 50 })

  expect(ack!.count).toBeGreaterThan(0)
  expect(ack!.count).toBeLessThan(publish.acknowledged)
})

describe('a receiver', () => {
  const format = new StampFormat(7, 32)

  function receiver() {
    const tally = new Tally()
    const terms = {
      format,
      tally,
      publishers: [],
      publisherCount: 1,
      judgesOrder: true,
      hasResponse: true,
    }
    const arrivals = new Arrivals(terms)
    const take = (sequence: number, spoil = false): void => {
      const message = Message.create('t', format.newPayload(0))
      format.write(message.bytes, message.payloadStart, 0, sequence, 1_000_000, 500)
      if (spoil) message.bytes[message.payloadEnd - 1]! ^= 1
      arrivals.take(new Publish(message, 0, false, 0), 1_002_000)
    }
    return { tally, take }
  }

  it('sees one lost, one repeated, one late and one spoiled message', () => {
    const { tally, take } = receiver()
    for (const sequence of [0, 1, 3, 4, 4, 6, 5]) take(sequence)
    take(7, true)

    expect(tally.delivery).toMatchObject({ received: 6, duplicated: 1, outOfOrder: 1, corrupted: 1, bytes: 192 })
  })

  it('keeps what left during the warm-up apart, acknowledgements too', () => {
    const { tally, take } = receiver()
    tally.measureFromUs = 1_000_001
    take(0)

    expect(tally.measured.response.all.count).toBe(0)
    expect(tally.warmup.response.all.count).toBe(1)
    expect(tally.latenciesOf(1_000_000)).toBe(tally.warmup)
    expect(tally.latenciesOf(1_000_001)).toBe(tally.measured)
  })

  it('counts response from the intended moment and service from the real one', () => {
    const { tally, take } = receiver()
    take(0)

    expect(tally.measured.response.all.percentileMs(100)).toBeCloseTo(2, 2)
    expect(tally.measured.service.all.percentileMs(100)).toBeCloseTo(1.5, 2)
  })
})
