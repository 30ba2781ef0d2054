import { PacketType, packetTypeNames } from '../../src/codec/packet-type.ts'
import { Acknowledgement, type AcknowledgementType } from '../../src/codec/packets/acknowledgement.ts'
import { hex } from '../support/hex.ts'
import { BEFORE_5, FROM_BOTH, type PacketVector, V3_1, V5 } from './packet-vector.ts'

/** First byte of each, and a code that says something else than success. */
const kinds: readonly [AcknowledgementType, firstByte: string, code: number][] = [
  [PacketType.PUBACK, '40', 0x10],
  [PacketType.PUBREC, '50', 0x97],
  [PacketType.PUBREL, '62', 0x92],
  [PacketType.PUBCOMP, '70', 0x92],
]

const everyKind: readonly PacketVector[] = kinds.flatMap(([type, firstByte, code]) => {
  const name = packetTypeNames[type]!
  return [
    {
      title: name,
      versions: BEFORE_5,
      senders: FROM_BOTH,
      bytes: hex(
        firstByte,
        '02', // Remaining Length 2
        '12 34', // Packet Identifier
      ),
      packet: new Acknowledgement(type, 0x1234),
    },
    {
      title: `${name} 5.0, short: success`,
      versions: [V5],
      senders: FROM_BOTH,
      bytes: hex(
        firstByte,
        '02', // Remaining Length 2
        'ff ff', // Packet Identifier
      ),
      packet: new Acknowledgement(type, 65_535),
    },
    {
      title: `${name} 5.0, a code and no Property Length`,
      versions: [V5],
      senders: FROM_BOTH,
      bytes: hex(
        firstByte,
        '03', // Remaining Length 3
        '00 01', // Packet Identifier
        Buffer.from([code]), // Reason Code
      ),
      packet: new Acknowledgement(type, 1, code),
    },
    {
      title: `${name} 5.0, success written out`,
      versions: [V5],
      senders: FROM_BOTH,
      bytes: hex(
        firstByte,
        '03', // Remaining Length 3
        '00 01', // Packet Identifier
        '00', // Reason Code: Success
      ),
      canonical: hex(firstByte, '02', '00 01'),
      packet: new Acknowledgement(type, 1),
    },
    {
      title: `${name} 5.0, a code and an empty property section`,
      versions: [V5],
      senders: FROM_BOTH,
      bytes: hex(
        firstByte,
        '04', // Remaining Length 4
        '00 01', // Packet Identifier
        Buffer.from([code]), // Reason Code
        '00', // Property Length
      ),
      canonical: hex(firstByte, '03', '00 01', Buffer.from([code])),
      packet: new Acknowledgement(type, 1, code),
    },
    {
      title: `${name} 5.0, success with every property`,
      versions: [V5],
      senders: FROM_BOTH,
      bytes: hex(
        firstByte,
        '10', // Remaining Length 16
        '00 01', // Packet Identifier
        '00', // Reason Code: Success
        '0c', // Property Length 12
        '1f 00 02 6f 6b', // Reason String ok
        '26 00 01 6b 00 01 76', // User Property k = v
      ),
      packet: new Acknowledgement(type, 1, 0, { reasonString: 'ok', userProperties: [['k', 'v']] }),
    },
  ] satisfies PacketVector[]
})

const repeatedPubrel: PacketVector = {
  title: 'PUBREL 3.1, a repeated one',
  versions: [V3_1],
  senders: FROM_BOTH,
  bytes: hex(
    '6a', // PUBREL, DUP, QoS 1
    '02', // Remaining Length 2
    '00 05', // Packet Identifier
  ),
  canonical: hex('62 02 00 05'),
  packet: new Acknowledgement(PacketType.PUBREL, 5),
}

/** PUBACK, PUBREC, PUBREL and PUBCOMP. */
export const acknowledgementVectors: readonly PacketVector[] = [...everyKind, repeatedPubrel]
