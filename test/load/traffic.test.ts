import { expect, it, onTestFinished } from 'vitest'
import { Broker } from '../../src/broker/broker.ts'
import { Client } from '../../src/client/client.ts'
import type { Publish } from '../../src/codec/packets/publish.ts'
import type { QoS } from '../../src/codec/qos.ts'
import { LoadPublisher } from '../../src/load/publisher.ts'
import { StampFormat } from '../../src/load/stamp.ts'
import { Arrivals } from '../../src/load/subscriber.ts'
import { Tally } from '../../src/load/tally.ts'
import { parseAddress } from '../../src/transport/address.ts'

const COUNT = 1000

/** One publisher and one subscriber on a broker; `relay` may lose, repeat or spoil what arrives. */
async function traffic(qos: QoS, relay: (publish: Publish, take: () => void) => void): Promise<Tally> {
  const broker = await Broker.start({ port: 0 })
  onTestFinished(() => broker.stop())
  const { address } = parseAddress(broker.url)
  const tally = new Tally()
  const format = new StampFormat(1, 32)
  const publishers: LoadPublisher[] = []
  const arrivals = new Arrivals(format, publishers, tally, false, true)
  let seen = 0
  let finish = (): void => {}
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  const subscriber = new Client(
    { address },
    {
      message: (publish) => {
        relay(publish, () => void arrivals.take(publish, performance.now() * 1000, 0))
        if (++seen === COUNT) finish()
      },
    },
  )
  const client = new Client({ address }, { drained: () => refill() })
  await Promise.all([subscriber.connect(), client.connect()])
  await subscriber.subscribe([{ topicFilter: 't', qos, noLocal: false, retainAsPublished: false, retainHandling: 0 }])
  const owner = { nowUs: () => performance.now() * 1000, ready: () => refill() }
  const publisher = new LoadPublisher(0, client, 't', qos, 8, format, 1, tally, owner)
  publishers.push(publisher)
  const refill = (): void => {
    while (publisher.canSend && publisher.sent < COUNT) publisher.send(owner.nowUs(), owner.nowUs())
  }
  refill()
  await finished
  await Promise.all([subscriber.disconnect(), client.disconnect()])
  return tally
}

it.each([0, 1, 2] as const)('every message is counted once and timed, at QoS %i', async (qos) => {
  const tally = await traffic(qos, (_, take) => take())

  expect(tally).toMatchObject({ published: COUNT, expected: COUNT, refused: 0 })
  expect({ ...tally.delivery }).toEqual({ received: COUNT, duplicated: 0, outOfOrder: 0, corrupted: 0, bytes: 32_000 })
  expect(tally.response.all.count).toBe(COUNT)
})

it('one lost, one repeated and one spoiled message are each seen', async () => {
  let number = 0
  const tally = await traffic(0, ({ message }, take) => {
    number++
    if (number === 10) return
    if (number === 20) take()
    if (number === 30) message.bytes[message.payloadEnd - 1]! ^= 1
    take()
  })

  expect({ ...tally.delivery }).toMatchObject({ received: COUNT - 2, duplicated: 1, outOfOrder: 0, corrupted: 1 })
})
