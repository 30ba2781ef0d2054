import { describe, expect, it } from 'vitest'
import { readFrames } from './capture-file.ts'
import { type CapturedBytes, describeCaptures, type ReferenceFields } from './captures.ts'
import { tcpStreams } from './tcp-streams.ts'
import { websocketPayload } from './websocket-bytes.ts'

interface SplitPacket {
  type: number
  remainingLength: number
  /** of its last byte */
  frame: number
}

/** Knows nothing of MQTT but packet type and Remaining Length. */
function split({ bytes, frameAt }: CapturedBytes): SplitPacket[] {
  const packets: SplitPacket[] = []
  let offset = 0
  while (offset < bytes.length) {
    const type = bytes.readUInt8(offset++) >> 4
    let remainingLength = 0
    let shift = 0
    let byte: number
    do {
      byte = bytes.readUInt8(offset++)
      remainingLength += (byte & 0x7f) << shift
      shift += 7
    } while (byte >= 0x80)
    offset += remainingLength
    packets.push({ type, remainingLength, frame: frameAt(offset - 1) })
  }
  return packets
}

function packetType(fields: ReferenceFields): number {
  return Number((fields['mqtt.hdrflags_tree'] as ReferenceFields)['mqtt.msgtype'])
}

describeCaptures('captures as byte streams', (captures) => {
  describe.each(captures)('$name', ({ sides, reference, mqttPackets, secondsAt }) => {
    it('holds as many packets as the reference states', () => {
      expect(sides.flatMap(split)).toHaveLength(mqttPackets)
      expect(reference).toHaveLength(mqttPackets)
    })

    it('shows type, length and frame of each packet in the order of the reference, per connection and direction', () => {
      for (const side of sides) {
        const expected = reference.filter(({ stream, sender }) => stream === side.stream && sender === side.sender)
        expect(split(side)).toEqual(
          expected.map(({ frame, fields }) => ({
            type: packetType(fields),
            remainingLength: Number(fields['mqtt.len']),
            frame,
          })),
        )
      }
    })

    it('interleaves both directions as the reference does', () => {
      const packets = sides.flatMap((side) =>
        split(side).map(({ frame, type }) => ({ frame, stream: side.stream, sender: side.sender, type })),
      )
      expect(packets.sort((a, b) => a.frame - b.frame)).toEqual(
        reference.map(({ frame, stream, sender, fields }) => ({ frame, stream, sender, type: packetType(fields) })),
      )
    })

    it('tells the time of each frame as the reference does', () => {
      for (const { frame, timeSeconds } of reference) expect(secondsAt(frame)).toBeCloseTo(timeSeconds, 8)
    })
  })
})

describe('capture files', () => {
  const frame = Buffer.from('abc')

  it.each([
    { magic: 0xa1b2c3d4, littleEndian: false, expected: 7_000_005_000n },
    { magic: 0xa1b2c3d4, littleEndian: true, expected: 7_000_005_000n },
    { magic: 0xa1b23c4d, littleEndian: false, expected: 7_000_000_005n },
    { magic: 0xa1b23c4d, littleEndian: true, expected: 7_000_000_005n },
  ])('reads pcap with magic $magic, little endian $littleEndian', ({ magic, littleEndian, expected }) => {
    const header = uint32s(littleEndian, magic, 0, 0, 0, 65_535, 113)
    const file = Buffer.concat([header, uint32s(littleEndian, 7, 5, 3, 3), frame])
    expect(readFrames(file)).toEqual([{ number: 1, timeNanoseconds: expected, linkType: 113, bytes: frame }])
  })

  it.each([true, false])(
    'reads pcapng, little endian %s, with microseconds when no resolution is given',
    (littleEndian) => {
      const section = uint32s(littleEndian, 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0xffff_ffff, 0xffff_ffff, 28)
      const link = littleEndian ? 1 : 0x0001_0000
      const description = uint32s(littleEndian, 1, 20, link, 65_535, 20)
      const packet = [uint32s(littleEndian, 6, 36, 0, 1, 2, 3, 3), frame, Buffer.alloc(1), uint32s(littleEndian, 36)]
      const timeNanoseconds = (2n ** 32n + 2n) * 1_000n
      const file = Buffer.concat([section, description, ...packet])
      expect(readFrames(file)).toEqual([{ number: 1, timeNanoseconds, linkType: 1, bytes: frame }])
    },
  )

  it('refuses a file that is cut and a file of another kind', () => {
    const header = uint32s(true, 0xa1b2c3d4, 0, 0, 0, 65_535, 1)
    expect(() => readFrames(Buffer.concat([header, uint32s(true, 7, 5, 4, 4), frame]))).toThrow(/ends inside a frame/)
    expect(() => readFrames(Buffer.from('GET / HTTP/1.1'))).toThrow(/neither pcap nor pcapng/)
  })
})

describe('TCP streams', () => {
  const syn = segment(1, 0xffff_fffe, '', { syn: true })

  it('orders segments, drops repeats and overlaps, and runs over the end of the sequence numbers', () => {
    const [stream] = tcpStreams([
      syn,
      segment(2, 0xffff_ffff, 'ab'),
      segment(3, 0xffff_ffff, 'ab'),
      segment(4, 3, 'ef'),
      segment(5, 0, 'bcd'),
      segment(6, 3, 'efg'),
    ])
    expect(stream!.clientToServer.map((chunk) => [chunk.frame, chunk.bytes.toString()])).toEqual([
      [2, 'ab'],
      [5, 'cd'],
      [5, 'ef'],
      [6, 'g'],
    ])
    expect(stream!.serverToClient).toEqual([])
  })

  it('starts a new stream when the same ports connect again', () => {
    const again = [segment(3, 100, '', { syn: true }), segment(4, 101, 'new')]
    const streams = tcpStreams([syn, segment(2, 0xffff_ffff, 'old'), ...again])
    expect(streams.map((stream) => stream.clientToServer.map((chunk) => chunk.bytes.toString()))).toEqual([
      ['old'],
      ['new'],
    ])
  })

  it('refuses a stream with a gap and a stream without its start', () => {
    expect(() => tcpStreams([syn, segment(2, 5, 'x')])).toThrow(/before frame 2 is missing/)
    expect(() => tcpStreams([segment(2, 5, 'x')])).toThrow(/SYN is not in the capture/)
  })
})

describe('WebSocket payload', () => {
  const head = Buffer.from('GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n')

  it('joins fragments around a control frame and takes masks off', () => {
    const frames = Buffer.from([0x02, 0x02, 0x61, 0x62, 0x89, 0x01, 0x7a, 0x80, 0x81, 1, 2, 3, 4, 0x63 ^ 1])
    expect(websocketPayload([{ frame: 1, bytes: Buffer.concat([head, frames]) }])).toEqual([
      { frame: 1, bytes: Buffer.from('ab') },
      { frame: 1, bytes: Buffer.from('c') },
    ])
  })

  it.each([
    ['16-bit', Buffer.from([0x82, 126, 0x00, 0x80])],
    ['64-bit', Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 0, 0x00, 0x80])],
  ])('reads a %s length and names the frame that completed the payload', (_, frameHeader) => {
    const payload = Buffer.alloc(128, 'x')
    const chunks = [
      { frame: 3, bytes: Buffer.concat([head, frameHeader, payload.subarray(0, 100)]) },
      { frame: 5, bytes: payload.subarray(100) },
    ]
    expect(websocketPayload(chunks)).toEqual([{ frame: 5, bytes: payload }])
    expect(() => websocketPayload(chunks.slice(0, 1))).toThrow(/is cut/)
  })
})

function uint32s(littleEndian: boolean, ...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [index, value] of values.entries()) {
    if (littleEndian) bytes.writeUInt32LE(value, index * 4)
    else bytes.writeUInt32BE(value, index * 4)
  }
  return bytes
}

/** A TCP segment from 10.0.0.1:1000 to 10.0.0.2:2000 in a raw IPv4 frame. */
function segment(number: number, sequence: number, text: string, { syn = false } = {}) {
  const bytes = Buffer.alloc(40 + text.length)
  bytes.writeUInt8(0x45, 0)
  bytes.writeUInt16BE(bytes.length, 2)
  bytes.writeUInt8(6, 9)
  bytes.writeUInt32BE(0x0a00_0001, 12)
  bytes.writeUInt32BE(0x0a00_0002, 16)
  bytes.writeUInt16BE(1000, 20)
  bytes.writeUInt16BE(2000, 22)
  bytes.writeUInt32BE(sequence, 24)
  bytes.writeUInt8(0x50, 32)
  bytes.writeUInt8(syn ? 0x02 : 0x10, 33)
  bytes.write(text, 40)
  return { number, timeNanoseconds: 0n, linkType: 101, bytes }
}
