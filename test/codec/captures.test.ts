import { describe, expect, it } from 'vitest'
import type { AnyPacket } from '../../src/codec/control-packet.ts'
import { Decoder, decodeAll } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encoder.ts'
import { PacketType, packetTypeNames, Role } from '../../src/codec/packet-type.ts'
import type { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { variableByteIntegerBytes } from '../../src/codec/variable-byte-integer.ts'
import { type Capture, type CapturedBytes, describeCaptures, type ReferencePacket } from '../support/captures.ts'
import { answerOf, fieldsOf } from '../support/tshark-fields.ts'

const CHUNK_BYTES = [1, 2, 3, 7, 64, Number.POSITIVE_INFINITY]

describeCaptures('packets of real traffic', (captures) => {
  describe.each(captures)('$name', (capture) => {
    it('decode to the answer of TShark, field by field', () => {
      for (const { packets, reference, version } of decodedSides(capture)) {
        const topicsByAlias = new Map<number, string>()
        for (const [index, packet] of packets.entries()) {
          const answer = reference[index]!
          expect(fieldsOf(packet, version, topicsByAlias), `frame ${answer.frame}`).toEqual(answerOf(answer, version))
        }
      }
    })

    it('are encoded to the bytes they came in, but for the listed ones, which keep their meaning', () => {
      const rewritten: Rewritten[] = []
      for (const { side, packets, reference, version } of decodedSides(capture)) {
        const originals = cut(side, reference)
        for (const [index, packet] of packets.entries()) {
          const original = originals[index]!
          const encoded = encodePacket(packet, version)
          expect(decodeAll(encoded, senderOf(side), version).map(plain)).toEqual([plain(packet)])
          if (encoded.equals(original)) continue
          const why = encoded.length < original.length ? 'long form' : 'property order'
          rewritten.push([reference[index]!.frame, packetTypeNames[packet.packetType]!, why])
        }
      }
      expect(rewritten.sort(([a], [b]) => a - b)).toEqual(notCanonical[capture.name] ?? [])
    })

    it.each(CHUNK_BYTES)('come out the same in chunks of %d bytes', (chunkBytes) => {
      for (const { side, packets, version } of decodedSides(capture)) {
        const chunked: object[] = []
        const collect = (packet: AnyPacket) => chunked.push(structuredClone(plain(packet)))
        decode(side, side.sender === 'c2s' ? null : version, reusedChunks(side.bytes, chunkBytes), collect)
        expect(chunked).toEqual(packets.map((packet) => structuredClone(plain(packet))))
      }
    })
  })
})

/** Frame, packet, and what makes our bytes differ: another order of as many bytes, or fewer bytes. */
type Rewritten = [frame: number, packet: string, why: 'property order' | 'long form']

/** Mosquitto 2.0.11 names Topic Alias Maximum before Receive Maximum. */
const mosquittoConnack = (frame: number): Rewritten => [frame, 'CONNACK', 'property order']

/** Packets whose sender chose another of the forms that mean the same. */
const notCanonical: Readonly<Record<string, readonly Rewritten[]>> = {
  's02-v5-properties': [
    mosquittoConnack(6),
    // Mosquitto: Subscription Identifier first
    [11, 'PUBLISH', 'property order'],
    mosquittoConnack(20),
    // mosquitto_pub: Content Type first, Message Expiry Interval third
    [22, 'PUBLISH', 'property order'],
    // Mosquitto: Subscription Identifier first, Message Expiry Interval last
    [23, 'PUBLISH', 'property order'],
    mosquittoConnack(36),
    [41, 'PUBLISH', 'property order'],
    mosquittoConnack(53),
    // mosquitto_pub: Will Delay Interval before Content Type
    [68, 'CONNECT', 'property order'],
    mosquittoConnack(70),
    mosquittoConnack(83),
  ],
  's04-websocket-npm': [
    mosquittoConnack(64),
    [97, 'PUBLISH', 'property order'],
    // npm mqtt writes code 0 and an empty property section
    [127, 'PUBREL', 'long form'],
    [128, 'PUBLISH', 'property order'],
    [137, 'PUBREC', 'long form'],
    [160, 'PUBCOMP', 'long form'],
    [183, 'DISCONNECT', 'long form'],
  ],
  's07-link-en10mb': [mosquittoConnack(6)],
  's07-link-null': [mosquittoConnack(6)],
  's07-link-raw': [mosquittoConnack(6)],
  's07-link-sll2': [mosquittoConnack(6)],
  's08-websocket-paho': [mosquittoConnack(36)],
  's09-tcp-retransmit': [
    mosquittoConnack(6),
    // npm mqtt writes code 0 and an empty property section
    [21, 'PUBREL', 'long form'],
    [23, 'PUBREC', 'long form'],
    [27, 'PUBCOMP', 'long form'],
    [34, 'PUBREL', 'long form'],
    [36, 'PUBREC', 'long form'],
    [40, 'PUBCOMP', 'long form'],
  ],
  's11-payload-encodings': [6, 16, 30, 44, 58, 72, 86].map(mosquittoConnack),
}

/** One side of a connection, decoded as its receiver does, with the answers for it. */
interface DecodedSide {
  readonly side: CapturedBytes
  readonly packets: readonly AnyPacket[]
  readonly reference: readonly ReferencePacket[]
  readonly version: ProtocolVersion
}

function decodedSides({ sides, reference }: Capture): DecodedSide[] {
  const versions = new Map<number, ProtocolVersion>()
  return sides.map((side) => {
    const packets: AnyPacket[] = []
    const version = decode(side, versions.get(side.stream) ?? null, [side.bytes], (packet) => packets.push(packet))
    versions.set(side.stream, version)
    const answers = reference.filter(({ stream, sender }) => stream === side.stream && sender === side.sender)
    expect(packets).toHaveLength(answers.length)
    return { side, packets, reference: answers, version }
  })
}

function senderOf({ sender }: CapturedBytes): Role {
  return sender === 'c2s' ? Role.CLIENT : Role.SERVER
}

/** @returns the version that the CONNECT told */
function decode(
  side: CapturedBytes,
  version: ProtocolVersion | null,
  chunks: Iterable<Buffer>,
  collect: (packet: AnyPacket) => void,
): ProtocolVersion {
  const sink = { receivePublish: collect, receiveAcknowledgement: collect, receivePacket: collect }
  const decoder = new Decoder(senderOf(side), Number.MAX_SAFE_INTEGER, version)
  for (const chunk of chunks) decoder.push(chunk, sink)
  decoder.end()
  if (decoder.version === null) throw new Error(`stream ${side.stream} has no CONNECT`)
  return decoder.version
}

/** Chunks that all lie in one buffer: a decoder that looks back into an earlier one finds other bytes there. */
function* reusedChunks(bytes: Buffer, chunkBytes: number): Generator<Buffer> {
  const buffer = Buffer.alloc(Math.min(chunkBytes, bytes.length))
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    yield buffer.subarray(0, bytes.copy(buffer, 0, start))
  }
}

/** The bytes of each packet, cut where the Remaining Lengths of the reference say. */
function cut({ bytes }: CapturedBytes, reference: readonly ReferencePacket[]): Buffer[] {
  let end = 0
  const packets = reference.map(({ fields }) => {
    const remainingLength = Number(fields['mqtt.len'])
    const start = end
    end += 1 + variableByteIntegerBytes(remainingLength) + remainingLength
    return bytes.subarray(start, end)
  })
  expect(end).toBe(bytes.length)
  return packets
}

/** A packet without the offsets of its message, which depend on the chunk it came in. */
function plain(packet: AnyPacket): object {
  if (packet.packetType !== PacketType.PUBLISH) return packet
  const { topicName, topic, payload, properties, qos, retain } = packet.message
  return { ...packet, message: { topicName, topic, payload, properties, qos, retain } }
}
