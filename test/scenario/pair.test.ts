import { describe, expect, it } from 'vitest'
import { PacketType } from '../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import type { QoS } from '../../src/codec/qos.ts'
import { type Ledger, Pair, type PairOptions } from '../support/pair.ts'
import { fuzzCases, fuzzSeed, Random } from '../support/random.ts'
import { filter } from '../support/test-client-session.ts'

const { V3_1, V3_1_1, V5 } = ProtocolVersion
const VERSIONS = [
  ['3.1', V3_1],
  ['3.1.1', V3_1_1],
  ['5.0', V5],
] as const

/** QoS of the messages that each side sends, in their order. */
const SCRIPT: readonly QoS[] = [1, 2, 0, 2, 1, 2, 0, 1]

/** What a side has sent: the names tell the order. */
interface Sent {
  readonly payload: string
  readonly qos: QoS
}

function sendBoth(pair: Pair, sent: Sent[], qos: QoS): void {
  const payload = `m${sent.length}`
  sent.push({ payload, qos })
  pair.publish(payload, qos)
  pair.forward(payload, qos)
}

/**
 * What must hold on the receiving side, however often the connection broke.
 * @param isWhole it did not break
 */
function judge(what: string, { received }: Ledger, sent: readonly Sent[], isWhole: boolean): string[] {
  const faults: string[] = []
  const count = (payload: string): number => received.filter((one) => one.payload === payload).length
  for (const { payload, qos } of sent) {
    const times = count(payload)
    const isRight = isWhole || qos === 2 ? times === 1 : qos === 1 ? times >= 1 : times <= 1
    if (!isRight) faults.push(`${what}: ${payload} of QoS ${qos} came ${times} times`)
  }
  const guaranteed = (one: Sent): boolean => one.qos > 0
  const first = received
    .filter(guaranteed)
    .filter((one, i, all) => all.findIndex((other) => other.payload === one.payload) === i)
  const expected = sent.filter(guaranteed).map(({ payload }) => payload)
  const order = first.map(({ payload }) => payload)
  if (order.join() !== expected.join()) faults.push(`${what}: the order is ${order}`)
  for (const { payload, qos } of received) {
    if (sent.find((one) => one.payload === payload)?.qos !== qos)
      faults.push(`${what}: ${payload} came with QoS ${qos}`)
  }
  return faults
}

/** Everything that must hold when all was carried. */
function faults(pair: Pair, sent: readonly Sent[], isWhole: boolean): string[] {
  const server = pair.server!.state
  const open = [
    ['client in flight', pair.client.unfinishedMessages],
    ['client incoming QoS 2', pair.client.state.incomingQos2.size],
    ['server in flight', server.inFlight.size],
    ['server queue', server.queue.length],
    ['server incoming QoS 2', server.incomingQos2.size],
  ] as const
  const ends = sent.map(({ payload }) => `${payload} 0`).toSorted()
  return [
    ...judge('server', pair.serverLedger, sent, isWhole),
    ...judge('client', pair.clientLedger, sent, isWhole),
    ...open.filter(([, size]) => size !== 0).map(([name, size]) => `${name}: ${size} left`),
    ...(pair.done.toSorted().join() === ends.join() ? [] : [`ends: ${pair.done}`]),
  ]
}

/** Two sides with a session, and the script on its way; the bytes that were carried before it. */
function begin(options: PairOptions): { pair: Pair; sent: Sent[]; before: number } {
  const pair = new Pair(options)
  pair.connect()
  pair.run()
  const sent: Sent[] = []
  for (const qos of SCRIPT) sendBoth(pair, sent, qos)
  return { pair, sent, before: pair.carriedBytes }
}

/** Cuts after `cutAfter` bytes and finishes on a second connection. @returns null when all was carried before the cut */
function cutOnce(options: PairOptions, cutAfter: number): string[] | null {
  const { pair, sent, before } = begin(options)
  if (pair.run(before + cutAfter)) return null
  pair.cut()
  sendBoth(pair, sent, 2)
  sendBoth(pair, sent, 1)
  pair.connect()
  pair.run()
  return faults(pair, sent, false).map((fault) => `cut after ${cutAfter} bytes: ${fault}`)
}

const NETWORKS: [string, PairOptions][] = [
  ['as it comes', {}],
  ['Receive Maximum 1', { receiveMaximum: 1 }],
  ['Receive Maximum 2', { receiveMaximum: 2 }],
  ['Receive Maximum 3 and Topic Aliases', { receiveMaximum: 3, topicAliasMaximum: 2 }],
  ['byte by byte', { chunkBytes: () => 1 }],
]

describe.each(VERSIONS)('a ClientSession and a ServerSession, MQTT %s', (_, version) => {
  it.each(NETWORKS)('deliver everything once and in order on a whole connection: %s', (_title, options) => {
    const { pair, sent } = begin({ version, ...options })
    pair.run()

    expect(faults(pair, sent, true)).toEqual([])
  })

  it.each(NETWORKS)(
    'keep QoS 1, QoS 2 and order when the connection is cut after any byte and the session is taken up: %s',
    (_title, options) => {
      const found: string[] = []
      let cutAfter = 0
      for (
        let one = cutOnce({ version, ...options }, 0);
        one !== null;
        one = cutOnce({ version, ...options }, cutAfter)
      ) {
        found.push(...one)
        cutAfter++
      }

      expect(found).toEqual([])
      expect(cutAfter).toBeGreaterThan(200)
    },
  )

  it('keep them when CONNECT and CONNACK are cut too', () => {
    const found: string[] = []
    for (let cutAfter = 0; cutAfter < 30; cutAfter++) {
      const { pair, sent } = begin({ version })
      pair.run(pair.carriedBytes + 40)
      pair.cut()
      pair.connect()
      pair.run(pair.carriedBytes + cutAfter)
      pair.cut()
      pair.connect()
      pair.run()
      found.push(...faults(pair, sent, false).map((fault) => `second cut after ${cutAfter} bytes: ${fault}`))
    }

    expect(found).toEqual([])
  })

  it('bring a message back to its own sender while others are on the way', () => {
    const pair = new Pair({ version, receiveMaximum: 2 })
    pair.client.subscribe([filter('up', 2)], {}, 'token')
    pair.connect()
    for (const [i, qos] of SCRIPT.entries()) pair.publish(`m${i}`, qos)
    pair.run()

    const payloads = pair.clientLedger.received.filter(({ qos }) => qos > 0).map(({ payload }) => payload)
    expect(payloads).toEqual(['m0', 'm1', 'm3', 'm4', 'm5', 'm7'])
  })

  it('deliver QoS 1 again, and QoS 2 never twice, when the Server has lost the session', () => {
    const twice: string[] = []
    const lost: string[] = []
    for (let cutAfter = 0; cutAfter < 120; cutAfter++) {
      const pair = new Pair({ version })
      pair.connect()
      pair.run()
      pair.publish('one', 1)
      pair.publish('two', 2)
      pair.run(pair.carriedBytes + cutAfter)
      pair.cut()
      if (version !== V3_1) pair.loseServerSession()
      pair.connect()
      pair.run()
      const count = (payload: string) => pair.serverLedger.received.filter((one) => one.payload === payload).length
      if (count('two') > 1) twice.push(`cut after ${cutAfter}`)
      if (count('one') === 0) lost.push(`cut after ${cutAfter}`)
      // whoever does not get it is told that nobody knows
      if (count('two') === 0 && !pair.done.includes('two -1')) lost.push(`silently, cut after ${cutAfter}`)
    }

    expect([twice, lost]).toEqual([[], []])
  })
})

describe('a ClientSession and a ServerSession, random runs', () => {
  const seed = fuzzSeed('test/scenario/pair.test.ts')

  it('keep QoS 1, QoS 2 and order however bytes are cut into pieces and connections are broken', () => {
    for (let i = 0; i < fuzzCases(150); i++) {
      const random = new Random(seed + i)
      const found = randomRun(random)
      expect(found, `MQTT_KIT_SEED=${seed + i} MQTT_KIT_FUZZ_CASES=1`).toEqual([])
    }
  })
})

function randomRun(random: Random): string[] {
  const largest = random.pick([1, 7, 100, 1000])
  const pair = new Pair({
    version: random.pick([V3_1, V3_1_1, V5]),
    receiveMaximum: random.pick([1, 2, 3, 20]),
    topicAliasMaximum: random.pick([0, 1, 5]),
    chunkBytes: () => random.between(1, largest),
  })
  const sent: Sent[] = []
  pair.connect()
  pair.run()
  for (let step = 0; step < 60; step++) {
    for (let i = random.below(4); i > 0; i--) sendBoth(pair, sent, random.pick([0, 1, 2]))
    pair.run(pair.carriedBytes + random.below(150))
    if (!random.oneIn(4)) continue
    pair.cut()
    // what is of QoS 0 and sent to nobody is dropped by a Server
    for (let i = random.below(3); i > 0; i--) sendBoth(pair, sent, random.pick([1, 2]))
    pair.connect()
  }
  pair.run()
  return faults(pair, sent, false)
}

describe('the packets of a pair', () => {
  it('stay within the Receive Maximum and the aliases that were stated: neither side is accused', () => {
    // a breach would have been thrown by the other side
    const { pair } = begin({ receiveMaximum: 1, topicAliasMaximum: 1 })
    pair.run()

    expect(pair.clientPackets.filter(({ packetType }) => packetType === PacketType.PUBACK)).toHaveLength(3)
  })
})
