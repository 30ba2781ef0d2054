import { beforeEach, describe, expect, it } from 'vitest'
import type { AnyPacket } from '../../src/codec/control-packet.ts'
import { Decoder, decodeAll } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encoder.ts'
import { PacketType, Role } from '../../src/codec/packet-type.ts'
import { Connect } from '../../src/codec/packets/connect.ts'
import type { Publish } from '../../src/codec/packets/publish.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { hex, packet, utf8 } from '../support/hex.ts'
import { publish } from '../support/packets.ts'

const { V3_1_1, V5 } = ProtocolVersion
const { CLIENT, SERVER } = Role

/** PUBLISH to a, whose payload is the number. */
const numbered = (number: number): Buffer => packet('30', utf8('a'), Buffer.from([number]))
const HELLO = encodePacket(new Connect({ version: V5, clientId: 'c', cleanStart: true, keepAliveSeconds: 0 }), V5)

let received: AnyPacket[]
let onPacket: (packet: AnyPacket) => void
const collect = (packet: AnyPacket): void => {
  received.push(packet)
  onPacket(packet)
}
const sink = { receivePublish: collect, receiveAcknowledgement: collect, receivePacket: collect }
const numbers = (): (number | undefined)[] => received.map((one) => (one as Publish).message.payload[0])

beforeEach(() => {
  received = []
  onPacket = () => {}
})

describe('a decoder', () => {
  it('gives each kind of packet to its own call of the sink', () => {
    const calls: string[] = []
    const decoder = new Decoder(CLIENT, 1000, V3_1_1)
    decoder.push(hex('c0 00', '40 02 00 01', '30 03 00 01 61', 'e0 00'), {
      receivePublish: () => calls.push('publish'),
      receiveAcknowledgement: () => calls.push('acknowledgement'),
      receivePacket: ({ packetType }) => calls.push(`packet ${packetType}`),
    })

    expect(calls).toEqual([
      `packet ${PacketType.PINGREQ}`,
      'acknowledgement',
      'publish',
      `packet ${PacketType.DISCONNECT}`,
    ])
  })

  it('learns the version from CONNECT, and uses it for what comes right behind', () => {
    const decoder = new Decoder(CLIENT, 1000)
    expect(decoder.version).toBeNull()
    decoder.push(Buffer.concat([HELLO, hex('e0 01 04')]), sink)

    expect(decoder.version).toBe(V5)
    expect(received[1]).toMatchObject({ packetType: PacketType.DISCONNECT, reasonCode: 4 })
  })

  it('goes by the CONNECT it reads, whatever version it was told', () => {
    const decoder = new Decoder(CLIENT, 1000, V3_1_1)
    decoder.push(Buffer.concat([HELLO, hex('f0 06 19 04 15 00 01 4d')]), sink)

    expect(decoder.version).toBe(V5)
    expect(received[1]).toMatchObject({ packetType: PacketType.AUTH })
  })

  it('is stopped by a violation, behind the packets that came before it', () => {
    const decoder = new Decoder(CLIENT, 1000, V3_1_1)
    const bytes = Buffer.concat([numbered(1), hex('c1 00'), numbered(2)])

    expect(() => decoder.push(bytes, sink)).toThrow('MQTT-2.2.2-2')
    decoder.push(numbered(3), sink)
    decoder.end()
    expect(numbers()).toEqual([1])
    expect(decoder.bufferedBytes).toBe(0)
  })

  it('passes on what a sink throws', () => {
    const decoder = new Decoder(CLIENT, 1000, V3_1_1)
    onPacket = () => {
      throw new Error('no room')
    }

    expect(() => decoder.push(numbered(1), sink)).toThrow('no room')
  })

  it('ends within a packet only with a violation', () => {
    const decoder = new Decoder(SERVER, 1000, V3_1_1)
    decoder.push(hex('d0'), sink)
    expect(() => decoder.end()).toThrow('the bytes end inside a packet')
    decoder.push(hex('00'), sink)
    decoder.end()

    expect(received).toHaveLength(1)
  })

  it('decodes all packets of some bytes at once', () => {
    expect(decodeAll(hex('c0 00', 'e0 00'), CLIENT, V5).map(({ packetType }) => packetType)).toEqual([
      PacketType.PINGREQ,
      PacketType.DISCONNECT,
    ])
    expect(decodeAll(Buffer.alloc(0), CLIENT, null)).toEqual([])
    expect(() => decodeAll(hex('c0 00 e0'), CLIENT, V5)).toThrow('the bytes end inside a packet')
  })
})

describe('the largest packet', () => {
  it('is counted with its fixed header: as large as the limit passes, one byte more does not', () => {
    const body = Buffer.alloc(97)
    new Decoder(CLIENT, 102, V3_1_1).push(packet('30', utf8('a'), body), sink)
    expect(received).toHaveLength(1)

    expect(() => new Decoder(CLIENT, 101, V3_1_1).push(packet('30', utf8('a'), body), sink)).toThrow(
      '102 bytes, the limit is 101',
    )
  })

  it('may be changed between packets', () => {
    const decoder = new Decoder(CLIENT, 6, V3_1_1)
    decoder.push(numbered(1), sink)
    decoder.maximumPacketBytes = 5

    expect(() => decoder.push(numbered(2), sink)).toThrow('0x95')
    expect(numbers()).toEqual([1])
  })

  it('is judged when the fixed header is complete, before any room is made', () => {
    const before = process.memoryUsage().arrayBuffers
    const decoders = Array.from({ length: 20 }, () => new Decoder(CLIENT, Number.MAX_SAFE_INTEGER, V3_1_1))
    for (const decoder of decoders) decoder.push(hex('30 ff ff ff 7f', utf8('a')), sink)

    expect(decoders.map(({ bufferedBytes }) => bufferedBytes)).toEqual(Array(20).fill(8))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000)
  })
})

describe('bytes of an incomplete packet', () => {
  it('are counted', () => {
    const decoder = new Decoder(CLIENT, 1000, V3_1_1)
    const bytes = numbered(1)
    for (let length = 1; length < bytes.length; length++) {
      decoder.push(bytes.subarray(length - 1, length), sink)
      expect(decoder.bufferedBytes).toBe(length)
    }
    decoder.push(bytes.subarray(-1), sink)

    expect(decoder.bufferedBytes).toBe(0)
    expect(numbers()).toEqual([1])
  })

  it('are kept apart from the packets that follow', () => {
    const decoder = new Decoder(CLIENT, 1000, V3_1_1)
    const kept: Publish[] = []
    onPacket = (one) => kept.push(one as Publish)
    decoder.push(numbered(1).subarray(0, 5), sink)
    decoder.push(Buffer.concat([numbered(1).subarray(5), numbered(2), numbered(3).subarray(0, 4)]), sink)
    decoder.push(numbered(3).subarray(4), sink)

    expect(kept.map(({ message }) => message.payload[0])).toEqual([1, 2, 3])
  })
})

describe('a paused decoder', () => {
  it('keeps what comes, and gives it out in order when it resumes', () => {
    const decoder = new Decoder(CLIENT, 1000, V3_1_1)
    decoder.pause()
    decoder.push(numbered(1), sink)
    decoder.push(Buffer.concat([numbered(2), numbered(3).subarray(0, 3)]), sink)
    decoder.push(numbered(3).subarray(3), sink)
    expect(received).toEqual([])
    expect(decoder.bufferedBytes).toBe(18)
    decoder.resume(sink)

    expect(numbers()).toEqual([1, 2, 3])
    expect(decoder.bufferedBytes).toBe(0)
  })

  it('stops behind the packet whose sink paused it, in the middle of a chunk', () => {
    const decoder = new Decoder(CLIENT, 1000, V3_1_1)
    onPacket = () => decoder.pause()
    decoder.push(Buffer.concat([numbered(1), numbered(2), numbered(3)]), sink)
    expect(numbers()).toEqual([1])
    decoder.push(numbered(4), sink)
    expect(decoder.bufferedBytes).toBe(18)
    decoder.resume(sink)
    expect(numbers()).toEqual([1, 2])
    decoder.resume(sink)
    decoder.resume(sink)

    expect(numbers()).toEqual([1, 2, 3, 4])
    expect(decoder.bufferedBytes).toBe(0)
  })

  it('stops behind a packet that was completed by the start of a chunk', () => {
    const decoder = new Decoder(CLIENT, 1000, V3_1_1)
    decoder.push(numbered(1).subarray(0, 2), sink)
    onPacket = () => decoder.pause()
    decoder.push(Buffer.concat([numbered(1).subarray(2), numbered(2)]), sink)
    expect(numbers()).toEqual([1])
    onPacket = () => {}
    decoder.resume(sink)

    expect(numbers()).toEqual([1, 2])
  })

  it('goes on at once when it is resumed within the call that paused it', () => {
    const decoder = new Decoder(CLIENT, 1000, V3_1_1)
    onPacket = () => {
      decoder.pause()
      decoder.resume(sink)
    }
    decoder.push(Buffer.concat([numbered(1), numbered(2), numbered(3)]), sink)

    expect(numbers()).toEqual([1, 2, 3])
  })

  it('tells a violation when it comes to it', () => {
    const decoder = new Decoder(CLIENT, 1000, V3_1_1)
    decoder.pause()
    decoder.push(Buffer.concat([numbered(1), hex('c1 00')]), sink)

    expect(() => decoder.resume(sink)).toThrow('MQTT-2.2.2-2')
    expect(numbers()).toEqual([1])
  })
})

describe('a stopped decoder', () => {
  it('drops the rest of the chunk and all that follows', () => {
    const decoder = new Decoder(CLIENT, 1000, V3_1_1)
    onPacket = () => decoder.stop()
    decoder.push(Buffer.concat([hex('e0 00'), numbered(1)]), sink)
    decoder.push(numbered(2), sink)
    decoder.resume(sink)
    decoder.end()

    expect(received.map(({ packetType }) => packetType)).toEqual([PacketType.DISCONNECT])
  })

  it('drops the rest of the chunk behind a packet that the chunk completed', () => {
    const decoder = new Decoder(CLIENT, 1000, V3_1_1)
    onPacket = () => decoder.stop()
    decoder.push(hex('e0'), sink)
    decoder.push(Buffer.concat([hex('00'), numbered(1)]), sink)

    expect(received).toHaveLength(1)
  })

  it('drops what it had kept', () => {
    const decoder = new Decoder(CLIENT, 1000, V3_1_1)
    decoder.pause()
    decoder.push(numbered(1), sink)
    decoder.stop()
    decoder.resume(sink)

    expect(received).toEqual([])
    expect(decoder.bufferedBytes).toBe(0)
  })
})

describe('a decoded message', () => {
  it('looks into the chunk until it is made to own its bytes', () => {
    const properties = { userProperties: [['k', 'v']] as [string, string][], messageExpiryIntervalSeconds: 9 }
    const chunk = encodePacket(publish('a/b', 'hello', { qos: 1, packetId: 1, topicAlias: 3, properties }), V5)
    const [decoded] = decodeAll(chunk, CLIENT, V5) as [Publish]
    const { message } = decoded
    expect(message.payload.buffer).toBe(chunk.buffer)
    message.own()
    chunk.fill(0xa5)

    expect(message.payload.toString()).toBe('hello')
    expect(message.topic.toString()).toBe('a/b')
    expect(message.properties).toEqual(properties)
  })
})
