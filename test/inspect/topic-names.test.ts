import { describe, expect, it } from 'vitest'
import { encodePacket } from '../../src/codec/encoder.ts'
import { Role } from '../../src/codec/packet-type.ts'
import { Connect } from '../../src/codec/packets/connect.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { LenientDecoder } from '../../src/inspect/lenient-decoder.ts'
import { parsePacketFilter } from '../../src/inspect/packet-filter.ts'

const version = ProtocolVersion.V5

// By hand: our encoder makes no alias without knowing what it stands for.
function publish(topicName: string, topicAlias: number): Buffer {
  const name = Buffer.from(topicName)
  const body = Buffer.concat([
    Buffer.from([name.length >> 8, name.length & 0xff]),
    name,
    Buffer.from([3, 0x23, 0, topicAlias]),
  ])
  return Buffer.concat([Buffer.from([0x30]), encodeLength(body.length), body])
}

function encodeLength(length: number): Buffer {
  return Buffer.from(length < 128 ? [length] : [(length & 127) | 128, length >> 7])
}

const connect = encodePacket(new Connect({ version, clientId: 'c', cleanStart: true, keepAliveSeconds: 0 }), version)

describe('the Topic Name that an alias stands for', () => {
  const decoder = () => new LenientDecoder(Role.CLIENT, version)
  const names = (of: LenientDecoder, ...packets: Buffer[]) =>
    of.push(Buffer.concat(packets)).map((one) => one.topicName)

  it('is known from the packet that set it, until another one does', () => {
    const packets = [
      publish('a/b', 1),
      publish('', 1),
      publish('c', 2),
      publish('', 1),
      publish('d', 1),
      publish('', 1),
    ]

    expect(names(decoder(), ...packets)).toEqual(['a/b', 'a/b', 'c', 'a/b', 'd', 'd'])
  })

  it('is not known when nobody saw it set, and does not outlive the connection', () => {
    const one = decoder()

    expect(names(one, publish('', 7))).toEqual([null])
    expect(names(one, publish('a', 7), connect, publish('', 7))).toEqual(['a', null, null])
  })

  it('counts as held, and is forgotten with what is given up', () => {
    const one = decoder()
    names(one, publish('x'.repeat(1000), 1), publish('y'.repeat(100), 1))
    const held = one.heldBytes

    expect(held).toBeGreaterThan(100)
    expect(held).toBeLessThan(1000)
    one.giveUp()
    expect(one.heldBytes).toBe(0)
    expect(names(one, publish('', 1))).toEqual([null])
  })

  it('is what a filter asks for', () => {
    const [, aliased] = decoder().push(Buffer.concat([publish('a/b', 1), publish('', 1)]))
    const passes = (expression: string) => parsePacketFilter(expression)({ packet: aliased!, clientId: null })

    expect(passes('topic ~ "a/#"')).toBe(true)
    expect(passes('topic == "c"')).toBe(false)
  })
})
