import { describe, expect, it } from 'vitest'
import { encodePacket } from '../../src/codec/encoder.ts'
import { PacketType, packetTypeNames } from '../../src/codec/packet-type.ts'
import {
  Acknowledgement,
  type AcknowledgementType,
  acknowledgementBytes,
  writeAcknowledgement,
} from '../../src/codec/packets/acknowledgement.ts'
import { ProtocolVersion, protocolVersionName } from '../../src/codec/protocol-version.ts'

const types: readonly AcknowledgementType[] = [
  PacketType.PUBACK,
  PacketType.PUBREC,
  PacketType.PUBREL,
  PacketType.PUBCOMP,
]
const cases = types.flatMap((type) =>
  Object.values(ProtocolVersion).flatMap((version) => [0, 0x92].map((code) => ({ type, version, code }))),
)

describe('the quick way to write an acknowledgement', () => {
  for (const { type, version, code } of cases) {
    const what = `${packetTypeNames[type]} with code ${code} in ${protocolVersionName(version)}`

    it(`writes the bytes of the plain way: ${what}`, () => {
      const plain = encodePacket(new Acknowledgement(type, 0xfe01, code), version)
      const target = Buffer.alloc(10, 0xa5)

      expect(acknowledgementBytes(version, code)).toBe(plain.length)
      expect(writeAcknowledgement(target, 2, version, type, 0xfe01, code)).toBe(2 + plain.length)
      expect(target).toEqual(Buffer.concat([Buffer.alloc(2, 0xa5), plain, Buffer.alloc(8 - plain.length, 0xa5)]))
    })
  }
})
