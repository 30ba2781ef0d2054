import { Role } from '../../codec/packet-type.ts'
import type { ProtocolVersion } from '../../codec/protocol-version.ts'
import type { CommandSpec } from './command-spec.ts'
import { generalOptions } from './general.ts'
import { flag, one, type ValueKind } from './option-row.ts'
import { choice, integer, protocolVersion } from './values.ts'

const versionOrAuto: ValueKind<ProtocolVersion | null> = {
  name: 'VERSION',
  read: (typed) => (typed === 'auto' ? null : protocolVersion.read(typed)),
}

const directions = choice('DIR', ['c2s', 's2c', 'auto'])

const senderOrAuto: ValueKind<Role | null> = {
  name: 'DIR',
  read: (typed) => ({ auto: null, c2s: Role.CLIENT, s2c: Role.SERVER })[directions.read(typed)],
}

/** All options of `inspect`. */
export const inspectRows = {
  mqtt: one(versionOrAuto, {
    group: 'Decoding',
    default: 'auto',
    help: 'version to read bytes in that do not begin with CONNECT: 3.1, 3.1.1, 5 or auto',
  }),
  dir: one(senderOrAuto, {
    group: 'Decoding',
    default: 'auto',
    help: 'who sent the bytes: c2s the client, s2c the server, or auto',
  }),
  view: one(choice('VIEW', ['tree', 'line']), {
    group: 'Output',
    help: 'tree or line; without it a tree for one packet and lines for several',
  }),
  json: flag({ group: 'Output', help: 'one JSON object per packet and line' }),
  byte: one(integer('OFFSET', 0, Number.MAX_SAFE_INTEGER), {
    group: 'Output',
    environment: false,
    help: 'explain the byte at this offset only',
  }),
  ...generalOptions,
} as const

/** Everything about `inspect` but what it does. */
export const inspectSpec: CommandSpec<typeof inspectRows> = {
  name: 'inspect',
  summary: 'decode bytes and captures, name broken rules',
  synopsis: '[OPTION...] [INPUT...]',
  description: [
    'Decodes MQTT packets and names each rule of the standard that they break. INPUT is a file, - for stdin, or the bytes ' +
      'themselves as text; how they are written down is found out.',
    'Read are hex in any notation, C arrays, string escapes, base64, decimal lists, the dumps of xxd, hexdump, od, tcpdump ' +
      'and tshark, raw binary, pcap and pcapng, these with gzip, and WebSocket. MQTT in captures is found on any port.',
    'The exit code is 0 when all is well, 11 when a packet breaks a rule, 2 when there is no MQTT.',
  ],
  rows: inspectRows,
  examples: [
    { text: 'One packet from a log:', line: "mqtt-kit inspect '30 07 00 03 61 2f 78 68 69'" },
    { text: 'All packets of a capture, with latencies:', line: 'mqtt-kit inspect capture.pcapng' },
    { text: 'Which field is byte 9?', line: 'mqtt-kit inspect --byte 9 101000044d5154540502003c0000036162' },
  ],
}
