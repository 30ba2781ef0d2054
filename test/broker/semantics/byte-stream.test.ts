import { describe, expect, it } from 'vitest'
import type { AnyPacket } from '../../../src/codec/control-packet.ts'
import { encodePacket } from '../../../src/codec/encoder.ts'
import { Message } from '../../../src/codec/message.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { Acknowledgement } from '../../../src/codec/packets/acknowledgement.ts'
import { Disconnect } from '../../../src/codec/packets/disconnect.ts'
import { PINGREQ } from '../../../src/codec/packets/ping.ts'
import { Publish } from '../../../src/codec/packets/publish.ts'
import { Subscribe } from '../../../src/codec/packets/subscribe.ts'
import { Unsubscribe } from '../../../src/codec/packets/unsubscribe.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { bufferBytes } from '../../support/memory.ts'
import { connectPacket, type RawClient } from '../../support/raw-client.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION } from '../../support/versions.ts'

const { V5 } = ProtocolVersion
const MIB = 1_048_576

/** Lets the broker read what was written: it lives on the same event loop. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Writes the bytes in pieces, each in a segment of its own as far as that can be had. */
async function sendInPieces(client: RawClient, bytes: Buffer, pieceBytes: number): Promise<void> {
  for (let i = 0; i < bytes.length; i += pieceBytes) {
    await new Promise<void>((resolve) => client.socket.write(bytes.subarray(i, i + pieceBytes), () => resolve()))
    await nextTurn()
  }
}

describe.each(EACH_VERSION)('a stream of bytes in MQTT %s', (_name, version) => {
  const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
  const publish = (payload: string, qos: 0 | 1 | 2, packetId: number) =>
    new Publish(Message.create('a/b', payload, { qos }), qos, false, packetId)
  const packets: readonly AnyPacket[] = [
    connectPacket({ version, clientId: 'cut' }),
    PINGREQ,
    new Subscribe(1, [{ topicFilter: 'a/+', qos: 2, ...options }]),
    publish('at most once', 0, 0),
    publish('at least once', 1, 2),
    publish('exactly once', 2, 3),
    new Acknowledgement(PacketType.PUBREL, 3),
    // its Remaining Length takes two bytes
    publish('x'.repeat(300), 0, 0),
    new Unsubscribe(4, ['a/+']),
    PINGREQ,
    new Disconnect(0),
  ]
  const bytes = Buffer.concat(packets.map((packet) => encodePacket(packet, version)))

  /** All that the broker answers to these bytes, sent in pieces. */
  async function answer(pieceBytes: number): Promise<string> {
    const { open } = await startBroker()
    const client = await open(version)
    await sendInPieces(client, bytes, pieceBytes)
    await client.closed()
    return client.received.toString('hex')
  }

  it('B-17 is answered alike in one segment and in one segment per byte', async () => {
    const whole = await answer(bytes.length)
    expect(whole).toContain(Buffer.from('exactly once').toString('hex'))
    expect(whole.startsWith('20')).toBe(true)
    expect(await answer(1)).toBe(whole)
  })

  it.each([2, 3, 5, 7, 64])('B-17 is answered alike in segments of %i bytes', async (pieceBytes) => {
    expect(await answer(pieceBytes)).toBe(await answer(bytes.length))
  })

  it('B-17 F-11 carries a packet over many segments, and what comes right behind it', async () => {
    const { client } = await startBroker()
    const subscriber = await client({ version })
    await subscriber.subscribe('large')
    const publisher = await client({ version })
    const payload = 'p'.repeat(3 * MIB)
    publisher.publish('large', payload)
    publisher.publish('large', 'behind')
    expect((await subscriber.message()).payload === payload).toBe(true)
    expect((await subscriber.message()).payload).toBe('behind')
  })

  it.each([
    ['PUBLISH', '30'],
    ['SUBSCRIBE', '82'],
    ['UNSUBSCRIBE', 'a2'],
    ['PUBREL', '62'],
  ])('B-18 judges the size of %s as soon as the fixed header is there', async (_packet, firstByte) => {
    const { client } = await startBroker({ limits: { maximumPacketBytes: 1000 } })
    const sender = await client({ version })
    // 997 = 65 07: with the header 1000 bytes, which is allowed; the body is still to come
    sender.sendBytes(`${firstByte} e507`)
    await nextTurn()
    expect(sender.hasEnded).toBe(false)
    const other = await client({ version })
    other.sendBytes(`${firstByte} e607`)
    await other.closesWith(0x95)
    const huge = await client({ version })
    huge.sendBytes(`${firstByte} ffffff7f`)
    await huge.closesWith(0x95)
  })

  it('B-18 makes no room for bodies that were only declared', async () => {
    const { client } = await startBroker({ limits: { maximumPacketBytes: 268_435_460 } })
    const other = await client()
    const before = await bufferBytes()
    const declaring: RawClient[] = []
    for (let i = 0; i < 20; i++) {
      const sender = await client({ version })
      // 256 MiB - 1 in a PUBLISH to `t`
      sender.sendBytes('30 ffffff7f 0001 74')
      declaring.push(sender)
    }
    await other.quiet()
    expect(declaring.map((sender) => sender.hasEnded)).toEqual(declaring.map(() => false))
    expect((await bufferBytes()) - before).toBeLessThan(16 * MIB)
  })
})

it('B-18 cuts a CONNECT that declares more than any can have', async () => {
  const { client, open } = await startBroker()
  const sender = await open(V5)
  sender.sendBytes('10 ffffff7f 0004 4d515454 05')
  await sender.closed()
  await (await client()).quiet()
})
