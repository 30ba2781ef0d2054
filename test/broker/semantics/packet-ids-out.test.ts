import { describe, expect, it } from 'vitest'
import { encodePacket } from '../../../src/codec/encoder.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { Acknowledgement, type AcknowledgementType } from '../../../src/codec/packets/acknowledgement.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import type { QoS } from '../../../src/codec/qos.ts'
import { MemoryClient } from '../../support/memory-client.ts'
import { publish } from '../../support/packets.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const { PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType
const { V5 } = ProtocolVersion

const ALL = 65_535
const everyId = Array.from({ length: ALL }, (_, i) => i + 1)

/** A subscriber to `a`, and a way to publish so many messages to it at once. */
async function subscribed(version: ProtocolVersion, qos: QoS) {
  // in memory: 65,535 messages over sockets would take their time
  const broker = await startBroker({
    limits: { maximumInFlightMessages: ALL, maximumQueuedMessages: ALL, receiveMaximum: ALL },
  })
  const subscriber = await MemoryClient.connected(broker, keeping(version, 'subscriber'))
  await subscriber.subscribe('a', qos)
  const publisher = await MemoryClient.connected(broker)
  const publishMany = async (count: number) => {
    const one = encodePacket(publish('a', 'x', { qos, packetId: 1 }), V5)
    const exchange = qos === 1 ? one : Buffer.concat([one, encodePacket(new Acknowledgement(PUBREL, 1), V5)])
    publisher.sendBytes(Buffer.alloc(exchange.length * count, exchange))
    await publisher.turn()
    expect(publisher.packets()).toHaveLength(count * qos)
  }
  return { ...broker, subscriber, publishMany }
}

async function acknowledge(
  client: MemoryClient,
  type: Exclude<AcknowledgementType, typeof PUBREL>,
  packetIds: number[],
): Promise<void> {
  const bytes = Buffer.alloc(4 * packetIds.length)
  for (const [i, packetId] of packetIds.entries()) {
    bytes[4 * i] = type << 4
    bytes[4 * i + 1] = 2
    bytes.writeUInt16BE(packetId, 4 * i + 2)
  }
  client.sendBytes(bytes)
  await client.turn()
}

/** Ids of the packets that have come, all of this type and none sent again. */
function ids(client: MemoryClient, type: typeof PUBLISH | typeof PUBREL): number[] {
  return client.packets().map((packet) => {
    if (packet.packetType !== type || ('dup' in packet && packet.dup)) throw new Error(`type ${packet.packetType}`)
    return packet.packetId
  })
}

describe.each(EACH_VERSION)('Packet Identifiers of the broker in MQTT %s', (_name, version) => {
  it('O-04 [v311:MQTT-2.3.1-4] [v5:MQTT-2.2.1-4] [v5:U5-3.1.2.11.3-1] are 1 to 65,535, each once while open; with all open delivery waits and loses nothing', async () => {
    const { broker, subscriber, publishMany } = await subscribed(version, 1)
    await publishMany(ALL)
    await publishMany(4)
    expect(ids(subscriber, PUBLISH)).toEqual(everyId)
    // only ids that are free are taken: here each time the one and only
    for (const free of [300, 1, ALL, 20]) {
      await acknowledge(subscriber, PUBACK, [free])
      expect(ids(subscriber, PUBLISH)).toEqual([free])
    }
    expect([...broker.metrics.messagesDropped]).toEqual([0, 0, 0, 0, 0, 0, 0])
  })

  it('O-04 go on at 1 after 65,535, past those that are open', async () => {
    const { subscriber, publishMany } = await subscribed(version, 1)
    await publishMany(ALL)
    ids(subscriber, PUBLISH)
    await acknowledge(
      subscriber,
      PUBACK,
      everyId.filter((packetId) => ![1, 3, 4].includes(packetId)),
    )
    await publishMany(4)
    expect(ids(subscriber, PUBLISH)).toEqual([2, 5, 6, 7])
  })

  it('O-04 stay taken until PUBCOMP, also when the window is empty on a new connection', async () => {
    const { broker, subscriber, publishMany, ...rest } = await subscribed(version, 2)
    await publishMany(ALL)
    expect(ids(subscriber, PUBLISH)).toEqual(everyId)
    await acknowledge(subscriber, PUBREC, everyId)
    expect(ids(subscriber, PUBREL)).toEqual(everyId)
    subscriber.close()

    const again = await MemoryClient.connected({ broker, ...rest }, keeping(version, 'subscriber'))
    await publishMany(2)
    await acknowledge(again, PUBCOMP, [77])
    expect(ids(again, PUBLISH)).toEqual([77])
  })
})
