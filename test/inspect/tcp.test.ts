import { describe, expect, it } from 'vitest'
import type { InspectedPacket } from '../../src/inspect/inspected-packet.ts'
import { CaptureInspector } from '../../src/inspect/network/capture-inspector.ts'

const CONNECT = '100f00044d5154540402003c0003616263'
const PUBLISH = '30070003612f786869'
const FIRST = 1000

/** A segment from 10.0.0.1:4000 to 10.0.0.2:5000 in a raw IPv4 frame. */
function segment(number: number, sequence: number, hex: string, flags = 0x10) {
  const payload = Buffer.from(hex, 'hex')
  const bytes = Buffer.alloc(40 + payload.length)
  bytes.writeUInt8(0x45, 0)
  bytes.writeUInt16BE(bytes.length, 2)
  bytes.writeUInt8(6, 9)
  bytes.writeUInt32BE(0x0a00_0001, 12)
  bytes.writeUInt32BE(0x0a00_0002, 16)
  bytes.writeUInt16BE(4000, 20)
  bytes.writeUInt16BE(5000, 22)
  bytes.writeUInt32BE(sequence >>> 0, 24)
  bytes.writeUInt8(0x50, 32)
  bytes.writeUInt8(flags, 33)
  payload.copy(bytes, 40)
  return { number, timeSeconds: number, linkType: 101, bytes }
}

function inspect(...frames: ReturnType<typeof segment>[]): InspectedPacket[] {
  const packets: InspectedPacket[] = []
  const inspector = new CaptureInspector((packet) => packets.push(packet))
  for (const frame of frames) inspector.add(frame)
  inspector.end()
  return packets
}

const shape = (packets: InspectedPacket[]) =>
  packets.map(({ packetType, frame, issues }) => [packetType, frame, issues.map(({ id }) => id)])

describe('inspect puts TCP together', () => {
  const syn = segment(1, FIRST - 1, '', 2)
  const connect = segment(2, FIRST, CONNECT)

  it('with segments repeated, overlapping and out of order', () => {
    const packets = inspect(
      syn,
      segment(2, FIRST + 10, CONNECT.slice(20)),
      segment(3, FIRST, CONNECT.slice(0, 30)),
      segment(4, FIRST, CONNECT),
      segment(5, FIRST + 17, PUBLISH),
    )
    expect(shape(packets)).toEqual([
      [1, 3, []],
      [3, 5, []],
    ])
  })

  it('over the end of the sequence numbers', () => {
    const packets = inspect(segment(1, -6, '', 2), segment(2, -5, CONNECT), segment(3, 12, PUBLISH))
    expect(shape(packets)).toEqual([
      [1, 2, []],
      [3, 3, []],
    ])
  })

  it('and goes on behind a hole without blaming the sender', () => {
    const packets = inspect(
      syn,
      connect,
      segment(3, FIRST + 17, PUBLISH.slice(0, 8)),
      segment(4, FIRST + 100, '6869'),
      segment(5, FIRST + 102, PUBLISH),
    )
    expect(shape(packets)).toEqual([
      [1, 2, []],
      [3, 3, ['capture-incomplete']],
      [3, 4, []],
    ])
  })

  it('from the middle of a connection', () => {
    expect(shape(inspect(segment(1, 5, PUBLISH + PUBLISH), segment(2, 23, PUBLISH)))).toEqual([
      [3, 1, []],
      [3, 1, []],
      [3, 2, []],
    ])
  })

  it('and leaves other protocols alone', () => {
    expect(inspect(syn, segment(2, FIRST, Buffer.from('SSH-2.0-OpenSSH_9.2\r\n').toString('hex')))).toEqual([])
  })
})
