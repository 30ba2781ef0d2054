import { deflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { InspectedPacket } from '../../src/inspect/inspected-packet.ts'
import { defaultLimits, type InspectLimits } from '../../src/inspect/limits.ts'
import type { CapturedFrame } from '../../src/inspect/network/capture-file.ts'
import { CaptureInspector } from '../../src/inspect/network/capture-inspector.ts'
import { type FrameOptions, rawFrame, tcp } from '../support/frames.ts'

const CONNECT = Buffer.from('100f00044d5154540402003c0003616263', 'hex')
const PUBLISH = Buffer.from('30070003612f786869', 'hex')
const FIRST = 1000

function inspect(frames: readonly CapturedFrame[], limits: InspectLimits = defaultLimits): InspectedPacket[] {
  const packets: InspectedPacket[] = []
  const inspector = new CaptureInspector((packet) => packets.push(packet), { version: null, port: null }, limits)
  for (const frame of frames) inspector.add(frame)
  inspector.end()
  return packets
}

const shape = (packets: InspectedPacket[]) =>
  packets.map(({ packetType, frame, issues }) => [packetType, frame, issues.map(({ id }) => id)])

function frames(
  ...segments: (readonly [sequence: number, payload: Buffer, options?: FrameOptions])[]
): CapturedFrame[] {
  return segments.map(([sequence, payload, options], index) => rawFrame(index + 1, sequence, payload, options))
}

describe('inspect takes networks off', () => {
  it('IPv4 packets in fragments, in any order', () => {
    const body = tcp(FIRST, Buffer.concat([CONNECT, PUBLISH]))
    const part = (number: number, from: number, to: number) => {
      const bytes = Buffer.alloc(20 + to - from)
      bytes.writeUInt8(0x45, 0)
      bytes.writeUInt16BE(bytes.length, 2)
      bytes.writeUInt16BE(77, 4)
      bytes.writeUInt16BE((to < body.length ? 0x2000 : 0) | (from / 8), 6)
      bytes.writeUInt8(6, 9)
      bytes.writeUInt32BE(0x0a00_0001, 12)
      bytes.writeUInt32BE(0x0a00_0002, 16)
      body.copy(bytes, 20, from, to)
      return { number, timeSeconds: null, linkType: 101, bytes }
    }

    expect(shape(inspect([part(1, 24, body.length), part(2, 0, 16), part(3, 0, 16), part(4, 16, 24)]))).toEqual([
      [1, 4, []],
      [3, 4, []],
    ])
  })

  it('IPv6 with extension headers and fragments', () => {
    const body = tcp(FIRST, Buffer.concat([CONNECT, PUBLISH]))
    const part = (number: number, from: number, to: number) => {
      const options = Buffer.from([44, 0, 1, 4, 0, 0, 0, 0])
      const fragment = Buffer.alloc(8)
      fragment.writeUInt8(6, 0)
      fragment.writeUInt16BE(from | (to < body.length ? 1 : 0), 2)
      fragment.writeUInt32BE(99, 4)
      const header = Buffer.alloc(40)
      header.writeUInt8(0x60, 0)
      header.writeUInt16BE(16 + to - from, 4)
      header.writeUInt8(0, 6)
      header.writeUInt8(1, 23)
      header.writeUInt8(2, 39)
      return {
        number,
        timeSeconds: null,
        linkType: 101,
        bytes: Buffer.concat([header, options, fragment, body.subarray(from, to)]),
      }
    }

    expect(shape(inspect([part(1, 0, 32), part(2, 32, body.length)]))).toEqual([
      [1, 2, []],
      [3, 2, []],
    ])
  })

  it.each([
    ['802.1Q', '81000001'],
    ['QinQ', '88a800018100000a'],
    ['QinQ with 0x9200', '920000018100000a'],
  ])('%s', (_, tags) => {
    const [connect] = frames([FIRST, CONNECT])
    const link = Buffer.from(`${'00'.repeat(12)}${tags}0800`, 'hex')
    const frame = { ...connect!, linkType: 1, bytes: Buffer.concat([link, connect!.bytes]) }

    expect(shape(inspect([frame]))).toEqual([[1, 1, []]])
  })

  it('goes on behind what the snap length left out', () => {
    const large = Buffer.concat([Buffer.from([0x30, 0x27, 0, 1, 0x78]), Buffer.alloc(36)])
    const [first, second, third] = frames([FIRST, CONNECT], [FIRST + 17, large], [FIRST + 58, PUBLISH])
    const cut = { ...second!, bytes: second!.bytes.subarray(0, 60) }

    expect(shape(inspect([first!, cut, third!]))).toEqual([
      [1, 1, []],
      [3, 2, ['capture-incomplete']],
      [3, 3, []],
    ])
  })
})

describe('inspect opens WebSocket', () => {
  const upgrade = Buffer.from('GET /mqtt HTTP/1.1\r\nUpgrade: websocket\r\n\r\n')
  const frame = (payload: Buffer, first = 0x82) => {
    const mask = Buffer.from([1, 2, 3, 4])
    const masked = payload.map((byte, index) => byte ^ mask[index & 3]!)
    return Buffer.concat([Buffer.from([first, 0x80 | payload.length]), mask, masked])
  }
  const deflate = (payload: Buffer, dictionary?: Buffer) =>
    deflateRawSync(payload, { finishFlush: 2, ...(dictionary && { dictionary }) }).subarray(0, -4)

  it('with packets across frames and frames across segments', () => {
    const all = Buffer.concat([
      upgrade,
      frame(CONNECT.subarray(0, 5)),
      frame(CONNECT.subarray(5), 0x80),
      frame(PUBLISH),
    ])
    const segments = Array.from(
      { length: Math.ceil(all.length / 7) },
      (_, i) => [FIRST + i * 7, all.subarray(i * 7, i * 7 + 7)] as const,
    )
    const packets = inspect(frames(...segments))

    expect(shape(packets).map(([type, , issues]) => [type, issues])).toEqual([
      [1, []],
      [3, []],
    ])
  })

  it('with permessage-deflate, where later messages refer to earlier ones', () => {
    const first = frame(deflate(CONNECT), 0xc2)
    const second = frame(deflate(Buffer.concat([PUBLISH, PUBLISH]), CONNECT), 0xc2)

    expect(shape(inspect(frames([FIRST, upgrade], [FIRST + upgrade.length, Buffer.concat([first, second])])))).toEqual([
      [1, 2, []],
      [3, 2, []],
      [3, 2, []],
    ])
  })

  it('does not inflate a message beyond the limit, and goes on behind it', () => {
    const bomb = deflate(Buffer.alloc(100_000, 0x30))
    const bytes = Buffer.concat([
      frame(CONNECT),
      frame(bomb.subarray(0, 125), 0x42),
      frame(bomb.subarray(125), 0x80),
      frame(PUBLISH),
    ])
    const limits = { ...defaultLimits, inflatedBytes: 1000 }

    expect(shape(inspect(frames([FIRST, upgrade], [FIRST + upgrade.length, bytes]), limits))).toEqual([
      [1, 2, []],
      [3, 2, []],
    ])
  })

  it('from the middle of a connection', () => {
    const ping = frame(Buffer.from('c000', 'hex'))

    expect(shape(inspect(frames([FIRST, frame(PUBLISH)], [FIRST + 15, ping])))).toEqual([
      [3, 1, []],
      [12, 2, []],
    ])
  })
})

describe('inspect keeps no more than its limits say', () => {
  const start = Buffer.from([0x30, 0x80, 0x80, 0x80, 0x02, 0, 1, 0x78])

  it('bytes of packets that wait for their rest, and reads the next packet behind one that was given up', () => {
    const limits = { ...defaultLimits, heldBytes: 10_000 }
    const packets: InspectedPacket[] = []
    const inspector = new CaptureInspector((packet) => packets.push(packet), { version: null, port: null }, limits)
    let held = 0
    let sequence = FIRST
    const total = 5 + 4 * 1024 * 1024
    const add = (payload: Buffer) => {
      for (const frame of frames([sequence, payload])) inspector.add(frame)
      sequence += payload.length
      held = Math.max(held, inspector.heldBytes)
    }
    add(CONNECT)
    add(start)
    const body = total - start.length
    for (let sent = 0; sent < body; sent += 1000) add(Buffer.alloc(Math.min(1000, body - sent)))
    add(PUBLISH)
    inspector.end()

    expect(held).toBeLessThanOrEqual(limits.heldBytes + 1000)
    expect(shape(packets).map(([type, , issues]) => [type, issues])).toEqual([
      [1, []],
      [3, ['inspect-limit']],
      [3, []],
    ])
  })

  it('segments that wait for an earlier one', () => {
    const limits = { ...defaultLimits, heldBytes: 5000 }
    const inspector = new CaptureInspector(() => {}, { version: null, port: null }, limits)
    for (const frame of frames([FIRST, CONNECT])) inspector.add(frame)
    for (let i = 0; i < 200; i++) {
      for (const frame of frames([FIRST + 1000 + i * 20, PUBLISH])) inspector.add(frame)
      expect(inspector.heldBytes).toBeLessThanOrEqual(limits.heldBytes)
    }
  })

  it('connections', () => {
    const limits = { ...defaultLimits, connections: 10 }
    const packets: InspectedPacket[] = []
    const inspector = new CaptureInspector((packet) => packets.push(packet), { version: null, port: null }, limits)
    const cut = (port: number) => frames([FIRST, Buffer.concat([CONNECT, PUBLISH.subarray(0, 5)]), { port }])
    for (let port = 1; port <= 12; port++) for (const frame of cut(port)) inspector.add(frame)

    expect(packets.filter(({ issues }) => issues.some(({ id }) => id === 'capture-incomplete'))).toHaveLength(2)
  })
})
