import { Auth } from '../../src/codec/packets/auth.ts'
import { Disconnect } from '../../src/codec/packets/disconnect.ts'
import { PINGREQ, PINGRESP } from '../../src/codec/packets/ping.ts'
import { hex } from '../support/hex.ts'
import { BEFORE_5, EVERY_VERSION, FROM_BOTH, FROM_CLIENT, FROM_SERVER, type PacketVector, V5 } from './packet-vector.ts'

/** PINGREQ, PINGRESP, DISCONNECT and AUTH. */
export const connectionVectors: readonly PacketVector[] = [
  {
    title: 'PINGREQ',
    versions: EVERY_VERSION,
    senders: FROM_CLIENT,
    bytes: hex('c0 00'), // PINGREQ, Remaining Length 0
    packet: PINGREQ,
  },
  {
    title: 'PINGRESP',
    versions: EVERY_VERSION,
    senders: FROM_SERVER,
    bytes: hex('d0 00'), // PINGRESP, Remaining Length 0
    packet: PINGRESP,
  },
  {
    title: 'DISCONNECT',
    versions: BEFORE_5,
    senders: FROM_CLIENT,
    bytes: hex('e0 00'), // DISCONNECT, Remaining Length 0
    packet: new Disconnect(),
  },
  {
    title: 'DISCONNECT 5.0, short: normal disconnection',
    versions: [V5],
    senders: FROM_BOTH,
    bytes: hex('e0 00'), // DISCONNECT, Remaining Length 0
    packet: new Disconnect(),
  },
  {
    title: 'DISCONNECT 5.0, a code and no Property Length',
    versions: [V5],
    senders: FROM_CLIENT,
    bytes: hex(
      'e0 01', // DISCONNECT, Remaining Length 1
      '04', // Reason Code: Disconnect with Will Message
    ),
    packet: new Disconnect(0x04),
  },
  {
    title: 'DISCONNECT 5.0, everything written out although nothing needs to be',
    versions: [V5],
    senders: FROM_BOTH,
    bytes: hex(
      'e0 02', // DISCONNECT, Remaining Length 2
      '00', // Reason Code: Normal disconnection
      '00', // Property Length
    ),
    canonical: hex('e0 00'),
    packet: new Disconnect(),
  },
  {
    title: 'DISCONNECT 5.0, a code of section 2.4 that its own table lacks',
    versions: [V5],
    senders: FROM_SERVER,
    bytes: hex(
      'e0 01', // DISCONNECT, Remaining Length 1
      '8c', // Reason Code: Bad authentication method
    ),
    packet: new Disconnect(0x8c),
  },
  {
    title: 'DISCONNECT 5.0 from a Client, every property it may set',
    versions: [V5],
    senders: FROM_CLIENT,
    bytes: hex(
      'e0 13', // DISCONNECT, Remaining Length 19
      '00', // Reason Code: Normal disconnection
      '11', // Property Length 17
      '11 00 00 00 00', // Session Expiry Interval 0 s
      '1f 00 02 6f 6b', // Reason String ok
      '26 00 01 6b 00 01 76', // User Property k = v
    ),
    packet: new Disconnect(0, {
      sessionExpiryIntervalSeconds: 0,
      reasonString: 'ok',
      userProperties: [['k', 'v']],
    }),
  },
  {
    title: 'DISCONNECT 5.0 from a Server, every property it may set',
    versions: [V5],
    senders: FROM_SERVER,
    bytes: hex(
      'e0 12', // DISCONNECT, Remaining Length 18
      '9c', // Reason Code: Use another server
      '10', // Property Length 16
      '1c 00 01 73', // Server Reference s
      '1f 00 02 6f 6b', // Reason String ok
      '26 00 01 6b 00 01 76', // User Property k = v
    ),
    packet: new Disconnect(0x9c, { serverReference: 's', reasonString: 'ok', userProperties: [['k', 'v']] }),
  },
  {
    title: 'AUTH, short: success',
    versions: [V5],
    senders: FROM_BOTH,
    bytes: hex('f0 00'), // AUTH, Remaining Length 0
    packet: new Auth(0),
  },
  {
    title: 'AUTH, continue, every property',
    versions: [V5],
    senders: FROM_BOTH,
    bytes: hex(
      'f0 1b', // AUTH, Remaining Length 27
      '18', // Reason Code: Continue authentication
      '19', // Property Length 25
      '15 00 05 53 43 52 41 4d', // Authentication Method SCRAM
      '16 00 02 ff 00', // Authentication Data
      '1f 00 02 6f 6b', // Reason String ok
      '26 00 01 6b 00 01 76', // User Property k = v
    ),
    packet: new Auth(0x18, {
      authenticationMethod: 'SCRAM',
      authenticationData: hex('ff 00'),
      reasonString: 'ok',
      userProperties: [['k', 'v']],
    }),
  },
  {
    title: 'AUTH from a Client, re-authenticate',
    versions: [V5],
    senders: FROM_CLIENT,
    bytes: hex(
      'f0 06', // AUTH, Remaining Length 6
      '19', // Reason Code: Re-authenticate
      '04', // Property Length 4
      '15 00 01 4d', // Authentication Method M
    ),
    packet: new Auth(0x19, { authenticationMethod: 'M' }),
  },
  {
    title: 'AUTH from a Server, success with its method',
    versions: [V5],
    senders: FROM_SERVER,
    bytes: hex(
      'f0 06', // AUTH, Remaining Length 6
      '00', // Reason Code: Success
      '04', // Property Length 4
      '15 00 01 4d', // Authentication Method M
    ),
    packet: new Auth(0, { authenticationMethod: 'M' }),
  },
]
