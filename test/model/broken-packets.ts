import type { Version } from './wire.ts'

/** Bytes that break one rule. */
export interface BrokenPacket {
  readonly hex: string
  /** what 5.0 may answer; older versions are just closed */
  readonly codes: readonly number[]
  readonly versions: readonly Version[]
}

const ALL: readonly Version[] = [3, 4, 5]
const OLD: readonly Version[] = [3, 4]
const NEW: readonly Version[] = [5]
const MALFORMED = [0x81]
const PROTOCOL_ERROR = [0x82]
/** both can be argued for */
const EITHER = [0x81, 0x82]

function broken(versions: readonly Version[], codes: readonly number[], hex: string): BrokenPacket {
  return { hex: hex.replaceAll(' ', ''), codes, versions }
}

/** One packet for each way in which an accepted client can end its connection, by the rule that it breaks. */
export const brokenPackets: ReadonlyMap<string, BrokenPacket> = new Map(
  Object.entries({
    'packet type 0': broken(ALL, EITHER, '00 00'),
    'AUTH before 5.0': broken(OLD, MALFORMED, 'f0 00'),
    'AUTH without method': broken(NEW, PROTOCOL_ERROR, 'f0 00'),
    'CONNACK of a client': broken(ALL, EITHER, '20 02 00 00'),
    'second CONNECT of 3.1.1': broken(ALL, PROTOCOL_ERROR, '10 0d 00 04 4d515454 04 02 00 00 00 01 61'),
    'PINGREQ with flags': broken(ALL, MALFORMED, 'c1 00'),
    'PINGREQ with a body': broken(ALL, MALFORMED, 'c0 01 00'),
    'SUBSCRIBE without flags': broken(ALL, MALFORMED, '80 06 00 01 00 01 61 00'),
    'PUBREL without flags': broken(ALL, MALFORMED, '60 02 00 01'),
    'Remaining Length of five bytes': broken(ALL, MALFORMED, '30 ff ff ff ff'),
    'Remaining Length longer than needed': broken(ALL, MALFORMED, 'c0 80 00'),
    'packet too large': broken(ALL, [0x95], '30 ff ff 7f'),
    'QoS 3': broken(ALL, MALFORMED, '36 07 00 01 61 00 01 00 78'),
    'DUP at QoS 0': broken(ALL, MALFORMED, '38 05 00 01 61 00 78'),
    'Packet Identifier 0': broken(ALL, EITHER, '32 07 00 01 61 00 00 00 78'),
    'wildcard in a Topic Name': broken(ALL, [0x90], '30 07 00 03 61 2f 2b 00 78'),
    'Topic Name that is no UTF-8': broken(ALL, MALFORMED, '30 06 00 02 c3 28 00 78'),
    'U+0000 in a Topic Name': broken(ALL, MALFORMED, '30 06 00 02 61 00 00 78'),
    'empty Topic Name': broken(ALL, PROTOCOL_ERROR, '30 04 00 00 00 78'),
    'unknown property': broken(NEW, MALFORMED, '30 07 00 01 61 02 7f 00 78'),
    'property twice': broken(NEW, PROTOCOL_ERROR, '30 09 00 01 61 04 01 00 01 00 78'),
    'Payload Format Indicator 2': broken(NEW, PROTOCOL_ERROR, '30 07 00 01 61 02 01 02 78'),
    'Topic Alias 0': broken(NEW, [0x94], '30 08 00 01 61 03 23 00 00 78'),
    'Subscription Identifier of a publisher': broken(NEW, PROTOCOL_ERROR, '30 07 00 01 61 02 0b 01 78'),
    'wildcard in a Response Topic': broken(NEW, PROTOCOL_ERROR, '30 09 00 01 61 04 08 00 01 23 78'),
    'SUBSCRIBE without filter': broken(OLD, PROTOCOL_ERROR, '82 02 00 01'),
    'SUBSCRIBE without filter in 5.0': broken(NEW, PROTOCOL_ERROR, '82 03 00 01 00'),
    'requested QoS 3': broken(OLD, MALFORMED, '82 06 00 01 00 01 61 03'),
    'requested QoS 3 in 5.0': broken(NEW, PROTOCOL_ERROR, '82 07 00 01 00 00 01 61 03'),
    'reserved bits of Subscription Options': broken(NEW, MALFORMED, '82 07 00 01 00 00 01 61 40'),
    'Retain Handling 3': broken(NEW, PROTOCOL_ERROR, '82 07 00 01 00 00 01 61 30'),
    'misplaced # in a filter': broken(OLD, [0x8f], '82 07 00 01 00 02 61 23 00'),
    'misplaced # in a filter in 5.0': broken(NEW, [0x8f], '82 08 00 01 00 00 02 61 23 00'),
    'second filter is bad': broken(NEW, [0x8f], '82 0c 00 01 00 00 01 61 00 00 02 61 2b 00'),
    'shared filter without name': broken(NEW, [0x8f], '82 0f 00 01 00 00 09 24 73 68 61 72 65 2f 2f 61 00'),
    'No Local on a shared filter': broken(NEW, PROTOCOL_ERROR, '82 10 00 01 00 00 0a 24 73 68 61 72 65 2f 67 2f 61 04'),
    'UNSUBSCRIBE without filter': broken(NEW, PROTOCOL_ERROR, 'a2 03 00 01 00'),
    'PUBACK with a code of CONNACK': broken(NEW, EITHER, '40 03 00 01 85'),
    'DISCONNECT with a code of servers': broken(NEW, EITHER, 'e0 01 8b'),
    'DISCONNECT with flags': broken(ALL, MALFORMED, 'e1 00'),
  }),
)
