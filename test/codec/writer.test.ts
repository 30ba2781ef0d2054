import { describe, expect, it } from 'vitest'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { Writer } from '../../src/codec/writer.ts'
import { hex, packet, section, utf8 } from '../support/hex.ts'

describe('a writer', () => {
  it('grows with what is written, wherever its room ends', () => {
    for (let length = 960; length < 1100; length++) {
      const bytes = Buffer.alloc(length, 0x5a)
      const writer = new Writer()
      writer.start(ProtocolVersion.V5)
      const mark = writer.beginSection()
      writer.raw(bytes)
      writer.endSection(mark)
      const whole = writer.finish(0x20)

      expect(whole.equals(packet('20', section(bytes))), `section of ${length}`).toBe(true)
    }
  })

  it('finds room for each kind of field at its end', () => {
    for (let front = 1000; front < 1030; front++) {
      const writer = new Writer()
      writer.start(ProtocolVersion.V5)
      writer.raw(Buffer.alloc(front))
      writer.byte(1)
      writer.uint16(0x0203)
      writer.uint32(0x0405_0607)
      writer.variableByteInteger(128)
      writer.string('é', 'any')
      writer.binary(hex('ff'), 'any')

      const expected = hex(Buffer.alloc(front), '01 02 03 04 05 06 07 80 01', utf8('é'), '00 01 ff')
      expect(writer.body().equals(expected), `behind ${front} bytes`).toBe(true)
    }
  })

  it('forgets a packet that was not finished', () => {
    const writer = new Writer()
    writer.start(ProtocolVersion.V5)
    writer.raw(Buffer.alloc(5000))
    expect(() => writer.string('\0', 'any')).toThrow('U+0000')
    writer.start(ProtocolVersion.V3_1_1)
    writer.byte(7)

    expect(writer.finish(0x40)).toEqual(hex('40 01 07'))
  })
})
