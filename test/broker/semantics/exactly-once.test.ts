import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { PacketType, packetTypeNames } from '../../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { RunningBroker } from '../../model/running-broker.ts'
import { type Cut, ExactlyOnceClient } from '../../support/exactly-once-client.ts'
import { levelStorage, memoryStorage, type Storage } from '../../support/storage.ts'
import { EACH_VERSION } from '../../support/versions.ts'

const { V5 } = ProtocolVersion
const { PUBLISH, PUBREC, PUBREL, PUBCOMP } = PacketType

/** What becomes of the broker while the connection is away. */
type Between = 'nothing' | 'a stop' | 'a kill when all is committed' | 'a kill before anything more is committed'

/** The messages of one exchange are under way together, and the connection is cut in the middle one. */
const PAYLOADS = ['0', '1', '2']
const MOST_ROUNDS = 20

type Side = 'publisher' | 'subscriber'
type SideCut = Cut & { readonly side: Side }

const CUTS: readonly SideCut[] = (['publisher', 'subscriber'] as const).flatMap((side) =>
  [PUBLISH, PUBREC, PUBREL, PUBCOMP].flatMap((packetType) =>
    (['before', 'after'] as const).map((moment) => ({ side, packetType, moment, skip: 1 })),
  ),
)

/** The first may be any, and what comes of it is cut again. */
const PAIRS = CUTS.flatMap((first) => CUTS.map((second) => [first, { ...second, skip: 0 }]))

const nameOf = ({ side, packetType, moment }: SideCut): string =>
  `${moment} ${packetTypeNames[packetType]} of the ${side}`

/** One exchange. @returns what the subscriber got, at the end of all */
async function exchange(
  version: ProtocolVersion,
  between: Between,
  storage: Storage | null,
  cuts: readonly SideCut[],
): Promise<string[]> {
  let running = await RunningBroker.start({}, storage)
  const sides = {
    publisher: new ExactlyOnceClient('pub', version),
    subscriber: new ExactlyOnceClient('sub', version),
  }
  const { publisher, subscriber } = sides
  const connect = async (): Promise<void> => {
    for (const side of [subscriber, publisher]) if (!side.isConnected) side.connect(running)
    await running.settle()
  }
  const lose = (): void => {
    for (const side of [subscriber, publisher]) side.lost()
  }
  const stop = async (): Promise<void> => {
    const stopped = running.broker.stop()
    lose()
    await running.settle()
    await stopped
  }
  const restart = async (): Promise<void> => {
    if (between === 'a stop') await stop()
    if (between === 'a kill when all is committed') await running.writeAll()
    running = await running.next(0)
    lose()
  }
  await connect()
  subscriber.subscribe('a')
  await running.writeAll()

  let isCut = false
  for (const [name, side] of Object.entries(sides)) {
    side.cutAt(...cuts.filter((cut) => cut.side === name))
    side.whenCut = () => {
      isCut = true
      if (between === 'a kill before anything more is committed') running.holdCommits()
    }
  }
  for (const [i, payload] of PAYLOADS.entries()) publisher.publish('a', payload, i + 1)
  for (let round = 0; ; round++) {
    await running.settle()
    if (!isCut) break
    if (round === MOST_ROUNDS) throw new Error('it goes round in circles')
    isCut = false
    if (between !== 'nothing') await restart()
    await connect()
  }
  expect(publisher.isDone && subscriber.isDone).toBe(true)
  // of two, the second may be at a packet that does not come again
  expect(publisher.cutsLeft + subscriber.cutsLeft).toBeLessThan(cuts.length)

  for (const side of [publisher, subscriber]) side.cutAt()

  // its ids are free, and the broker has nothing left that it would send again
  publisher.publish('a', 'another', 2)
  await running.writeAll()
  if (storage !== null) await restart()
  subscriber.lost()
  await connect()
  // CONNACK
  expect(subscriber.received).toBe(1)
  expect(running.broker.deliveryCounts).toMatchObject({ queued: 0, dropped: 0 })
  running.broker.assertBalance()
  await stop()
  return subscriber.taken
}

async function accounts(
  version: ProtocolVersion,
  between: Between,
  makeStorage: () => Storage | null,
  all: readonly (readonly SideCut[])[],
): Promise<Record<string, string>> {
  const taken: Record<string, string> = {}
  for (const cuts of all) {
    const storage = makeStorage()
    try {
      taken[cuts.map(nameOf).join(', then ')] = (await exchange(version, between, storage, cuts)).join(' ')
    } finally {
      await storage?.dispose()
    }
  }
  return taken
}

const once = (all: readonly (readonly SideCut[])[]): Record<string, string> =>
  Object.fromEntries(all.map((cuts) => [cuts.map(nameOf).join(', then '), [...PAYLOADS, 'another'].join(' ')]))

const SINGLE = CUTS.map((cut) => [cut])

const IDS = {
  v311: '[v311:MQTT-4.3.3-1] [v311:MQTT-4.3.3-2] [v311:MQTT-4.4.0-1]',
  v5: '[v5:MQTT-4.3.3-5] [v5:MQTT-4.3.3-6] [v5:MQTT-4.3.3-10] [v5:MQTT-4.3.3-12] [v5:MQTT-4.4.0-1]',
}

// what a broker writes without being asked to waits for the test
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

describe.each(EACH_VERSION)('QoS 2 of MQTT %s, cut before and after each packet of both hand-shakes', (_, version) => {
  it(`P-04 S-12 ${IDS.v311} ${IDS.v5} delivers once, in order, without a store`, async () => {
    expect(await accounts(version, 'nothing', () => null, SINGLE)).toEqual(once(SINGLE))
  })

  it.each(['nothing', 'a stop', 'a kill when all is committed', 'a kill before anything more is committed'] as const)(
    `U-02 U-03 U-04 P-04 S-12 ${IDS.v311} ${IDS.v5} delivers once, in order, with %s between`,
    async (between) => {
      expect(await accounts(version, between, memoryStorage, SINGLE)).toEqual(once(SINGLE))
    },
  )
})

describe('QoS 2 of MQTT 5.0', () => {
  it('U-02 U-03 U-04 delivers once over LevelDB, with a kill before anything more is committed', async () => {
    const all = await accounts(V5, 'a kill before anything more is committed', levelStorage, SINGLE)
    expect(all).toEqual(once(SINGLE))
  })

  it.each(['nothing', 'a kill before anything more is committed'] as const)(
    'U-02 U-03 U-04 delivers once when what follows a cut is cut again, with %s between',
    async (between) => {
      expect(await accounts(V5, between, memoryStorage, PAIRS)).toEqual(once(PAIRS))
    },
  )
})
