import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { encodePacket } from '../../src/codec/encoder.ts'
import { Role } from '../../src/codec/packet-type.ts'
import { readNotation } from '../../src/inspect/input/text-notation.ts'
import type { InspectedPacket } from '../../src/inspect/inspected-packet.ts'
import { framesOfParts, inspectParts } from '../../src/inspect/inspector.ts'
import { CaptureReader } from '../../src/inspect/network/capture-file.ts'
import { CaptureInspector } from '../../src/inspect/network/capture-inspector.ts'
import { describeCaptures } from '../support/captures.ts'
import { specFolder } from '../support/spec-folder.ts'
import { answerOf, fieldsOf } from '../support/tshark-fields.ts'

const folder = join(specFolder, '../captures')

function inspectCapture(file: Buffer, chunkBytes: number): InspectedPacket[] {
  const packets: InspectedPacket[] = []
  const inspector = new CaptureInspector((packet) => packets.push(packet))
  const reader = new CaptureReader()
  for (let at = 0; at < file.length; at += chunkBytes) {
    reader.push(Buffer.from(file.subarray(at, at + chunkBytes)), (frame) => inspector.add(frame))
  }
  reader.end()
  inspector.end()
  expect(reader.damage).toBeNull()
  return packets
}

describeCaptures('inspect reads captures without being told a port', (captures) => {
  it.each(captures.map((capture) => [capture.name, capture] as const))('%s', (name, { reference }) => {
    const path = readdirSync(folder).find((file) => file.startsWith(`${name}.pcap`))!
    const packets = inspectCapture(readFileSync(join(folder, path)), 1000)

    expect(packets.flatMap(({ issues }) => issues)).toEqual([])
    expect(packets.map(({ frame, stream, sender }) => ({ frame, stream, sender }))).toEqual(
      reference.map(({ frame, stream, sender }) => ({
        frame,
        stream,
        sender: sender === 'c2s' ? Role.CLIENT : Role.SERVER,
      })),
    )
    const aliases = new Map<string, Map<number, string>>()
    for (const [index, { packet, version, stream, sender, bytes }] of packets.entries()) {
      const key = `${stream} ${sender}`
      if (!aliases.has(key)) aliases.set(key, new Map())
      expect(fieldsOf(packet!, version, aliases.get(key)!)).toEqual(answerOf(reference[index]!, version))
      expect(encodePacket(packet!, version).length).toBeLessThanOrEqual(bytes.length)
    }
  })

  it.each(captures.map((capture) => [capture.name] as const))('the fields of %s cover every byte once', (name) => {
    const path = readdirSync(folder).find((file) => file.startsWith(`${name}.pcap`))!
    for (const { fields, bytes } of inspectCapture(readFileSync(join(folder, path)), 100_000)) {
      let at = 0
      for (const { start, end } of fields) {
        expect(start).toBe(at)
        at = end
      }
      expect(at).toBe(bytes.length)
    }
  })
})

describe('inspect reads text as people paste it', () => {
  const texts = join(folder, 'text')
  const files = existsSync(texts) ? readdirSync(texts).filter((file) => file.endsWith('.txt')) : []
  it.skipIf(files.length === 0)('is given the captures', () => expect(files.length).toBeGreaterThan(0))

  it.each(files)('%s', (file) => {
    const { clientToServer, serverToClient } = JSON.parse(readFileSync(join(texts, 'expected.json'), 'utf8'))
    const { parts, isShortened } = readNotation(readFileSync(join(texts, file), 'utf8'))!
    const packets: InspectedPacket[] = []
    const frames = framesOfParts(parts)
    if (frames === null) packets.push(...inspectParts(parts, { version: null, sender: null }).packets)
    else {
      const inspector = new CaptureInspector((packet) => packets.push(packet))
      for (const frame of frames) inspector.add(frame)
      inspector.end()
    }
    const bytesOf = (sender: Role) =>
      Buffer.concat(packets.filter((packet) => packet.sender === sender).map(({ bytes }) => bytes)).toString('hex')

    expect(bytesOf(Role.CLIENT)).toBe(isShortened ? clientToServer.slice(0, -4) : clientToServer)
    expect(['', serverToClient]).toContain(bytesOf(Role.SERVER))
    expect(packets.flatMap(({ issues }) => issues)).toEqual([])
  })
})

describe('inspect reads every notation', () => {
  const ping = 'PUBLISH a/x hi'
  const hex = '30070003612f786869'
  it.each([
    ['hex with colons', '30:07:00:03:61:2f:78:68:69'],
    ['hex in capitals', '30 07 00 03 61 2F 78 68 69'],
    ['hex with dashes', '30-07-00-03-61-2f-78-68-69'],
    ['one 0x word', '0x30070003612f786869'],
    ['a list of 0x bytes', '0x30, 0x07, 0x00, 0x03, 0x61, 0x2f, 0x78, 0x68, 0x69'],
    [
      'a C array with comments',
      'uint8_t p[9] = { 0x30, 0x7, /* topic */ 0x0, 0x3, 0x61, // a\n 0x2f, 0x78, 0x68, 0x69 };',
    ],
    ['a C string', '"\\x30\\x07\\x00\\x03" "a/xhi"'],
    ['a JavaScript string', "'0\\x07\\x00\\u0003a/xhi'"],
    ['octal escapes', '"0\\007\\000\\003a/xhi"'],
    ['a Node Buffer', '<Buffer 30 07 00 03 61 2f 78 68 69>'],
    ['JSON of a Buffer', '{"type":"Buffer","data":[48,7,0,3,97,47,120,104,105]}'],
    ['a decimal list', '48, 7, 0, 3, 97, 47, 120, 104, 105'],
    ['an Erlang binary', '<<48,7,0,3,"a/xhi">>'],
    ['base64', 'MAcAA2EveGhp'],
    [
      'xxd -b',
      '00000000: 00110000 00000111 00000000 00000011 01100001 00101111  0...a/\n00000006: 01111000 01101000 01101001                             xhi',
    ],
    ['od', '0000000 003460 001400 027541 064170 000151\n0000011'],
    ['hexdump', '0000000 0730 0300 2f61 6878 0069\n0000009'],
  ])('%s', (_, text) => {
    const bytes = Buffer.concat(readNotation(text)!.parts.map((part) => part.bytes))
    expect(bytes.toString('hex').replace(/^(.{18})00$/, '$1'), ping).toBe(hex)
  })

  it('knows negative numbers as bytes', () => {
    expect(readNotation('[-32, 0]')!.parts[0]!.bytes.toString('hex')).toBe('e000')
  })

  it('takes prose for no bytes', () => {
    expect(readNotation('the broker closed the connection!')).toBeNull()
  })
})
