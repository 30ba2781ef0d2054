import { Role } from '../../codec/packet-type.ts'
import type { ProtocolVersion } from '../../codec/protocol-version.ts'
import { notationNames } from '../../inspect/input/notation.ts'
import { FilterSyntaxError, filterNames, type PacketFilter, parsePacketFilter } from '../../inspect/packet-filter.ts'
import { payloadKinds } from '../../inspect/payload/payload-value.ts'
import type { CommandSpec } from './command-spec.ts'
import { generalOptions } from './general.ts'
import { flag, one, type Typed, ValueError, type ValueKind } from './option-row.ts'
import { choice, integer, port, protocolVersion, text } from './values.ts'

/** null: to be found out. */
export const versionOrAuto: ValueKind<ProtocolVersion | null> = {
  name: 'VERSION',
  choices: ['auto', ...protocolVersion.choices!],
  read: (typed) => (typed === 'auto' ? null : protocolVersion.read(typed)),
}

const directions = choice('DIR', ['c2s', 's2c', 'auto'])

const senderOrAuto: ValueKind<Role | null> = {
  name: 'DIR',
  choices: directions.choices!,
  read: (typed) => ({ auto: null, c2s: Role.CLIENT, s2c: Role.SERVER })[directions.read(typed)],
}

/** An expression about packets. */
export const filter: ValueKind<PacketFilter> = {
  name: 'EXPR',
  read: (typed) => {
    try {
      return parsePacketFilter(typed)
    } catch (error) {
      if (!(error instanceof FilterSyntaxError)) throw error
      throw new ValueError(`a filter: ${error.message}`)
    }
  },
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
    more: 'In a capture the network tells who sent what; the option leaves out the packets of the other side then.',
  }),
  from: one(choice('KIND', ['auto', 'capture', 'binary', ...notationNames]), {
    group: 'Decoding',
    default: 'auto',
    help: `how the input is written: capture, binary, ${notationNames.join(', ')} or auto`,
  }),
  port: one(port, {
    group: 'Decoding',
    environment: false,
    help: 'of captures: this port of a server only, whose connections are taken for MQTT',
  }),
  filter: one(filter, {
    group: 'Output',
    environment: false,
    help: 'show only packets for which EXPR holds, as in publish && topic ~ "a/#" && qos > 0',
    more:
      `Names are the packet types and ${filterNames.join(', ')}; a name alone asks whether there is one. Comparisons are == != ` +
      '< <= > >= and ~, which is for Topic Filters and for text that is contained; they are joined by &&, || and !, and parentheses.',
  }),
  view: one(choice('VIEW', ['tree', 'line', 'hex', 'table', 'flow', 'session']), {
    group: 'Output',
    help: 'tree, line, hex, table, flow or session; without it a tree for one packet and lines for several',
    more:
      'flow draws arrows between client and server. session tells what a capture comes to: connections, latencies, topics, and what is ' +
      'wrong with sessions: unanswered packets, Packet Identifiers used twice, order, limits, silence, takeovers, lost sessions, wills.',
  }),
  payload: one(choice('KIND', payloadKinds), {
    group: 'Output',
    default: 'auto',
    help: `show payloads as ${payloadKinds.slice(1).join(', ')}, or auto`,
    more:
      'auto takes a payload for what its content type or a Sparkplug topic says, for compressed data, or for JSON, CBOR or MessagePack that is ' +
      'whole and hardly met by chance; else it is text or hex. What is not of its kind says why. Metrics of Sparkplug B get the names ' +
      'that a BIRTH in the same input has given their aliases. In JSON, bytes are {"hex"}, CBOR tags {"tag","value"}, and numbers that are not ' +
      'exact there are text.',
  }),
  proto: one(text('FILE'), {
    group: 'Output',
    environment: false,
    help: 'show payloads as a message of this .proto file',
    more: 'The same as --payload protobuf, which needs it.',
  }),
  protoType: one(text('NAME'), {
    group: 'Output',
    environment: false,
    help: 'which message of --proto, if it has several: pkg.Name',
  }),
  json: flag({
    group: 'Output',
    help: 'one JSON object per packet and line',
    more:
      'The bytes of a packet are the "raw" of its "fields", one after the other; inspect encode makes it of them again. "payload", ' +
      'of a PUBLISH or of the will of a CONNECT, has "kind" and "value", and "problem" where it is not what it is said to be.',
  }),
  byte: one(integer('OFFSET', 0, Number.MAX_SAFE_INTEGER), {
    group: 'Output',
    environment: false,
    help: 'explain the byte at this offset only',
  }),
  ...generalOptions,
} as const

export type InspectOptions = Typed<typeof inspectRows>

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
    'mqtt-kit inspect encode makes packets of JSON, mqtt-kit inspect diff shows what differs between two inputs.',
    'The exit code is 0 when all is well, 11 when a packet breaks a rule, 2 when there is no MQTT.',
  ],
  rows: inspectRows,
  operands: [{ from: 'files' }],
  examples: [
    { text: 'One packet from a log:', line: "mqtt-kit inspect '30 07 00 03 61 2f 78 68 69'" },
    {
      text: 'Who publishes to some topics, in a capture:',
      line: `mqtt-kit inspect --filter 'publish && topic ~ "home/#"' capture.pcapng`,
    },
    { text: 'What is wrong with the sessions:', line: 'mqtt-kit inspect --view session capture.pcapng' },
  ],
}
