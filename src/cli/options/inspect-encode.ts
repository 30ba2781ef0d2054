import { byteNotations } from '../output/packet-writer.ts'
import type { CommandSpec } from './command-spec.ts'
import { generalOptions } from './general.ts'
import { one } from './option-row.ts'
import { choice, protocolVersion } from './values.ts'

/** All options of `inspect encode`. */
export const inspectEncodeRows = {
  to: one(choice('NOTATION', byteNotations), {
    group: 'Output',
    default: 'hex',
    environment: false,
    help: `how the bytes are written: ${byteNotations.join(', ')}`,
    more:
      'hex has a line per packet, base64 one line for all, c is one array. pcapng makes up a TCP connection for each "stream", with ' +
      'the times of the packets.',
  }),
  mqtt: one(protocolVersion, {
    group: 'Decoding',
    default: '5',
    environment: false,
    help: 'version of packets that do not say it: 3.1, 3.1.1 or 5',
    more: 'A packet that says its version says it for those behind it.',
  }),
  ...generalOptions,
} as const

/** Everything about `inspect encode` but what it does. */
export const inspectEncodeSpec: CommandSpec<typeof inspectEncodeRows> = {
  name: 'inspect encode',
  summary: 'make packets of JSON, such as inspect --json prints',
  synopsis: '[OPTION...] [INPUT]',
  description: [
    'Turns JSON objects, one per packet, into bytes. INPUT is a file, - for stdin, or the JSON itself. What inspect --json has ' +
      'printed becomes the very bytes it was made of, those of malformed packets too.',
    'A packet to make needs no more than its "type"; "version" (5, 3.1.1, 3.1) and "dir" (c2s, s2c) may stand with each. ' +
      'connect: "clientId", "cleanStart" (true), "keepAliveSeconds" (0), "userName", "password", "will" with "topic", "payload", ' +
      '"qos" and "retain". connack: "sessionPresent", "reasonCode" ("returnCode" before 5). publish: "topic", "payload", "qos", ' +
      '"retain", "dup", "packetId". puback, pubrec, pubrel, pubcomp: "packetId", "reasonCode". subscribe: "packetId", "subscriptions", a ' +
      'list of Topic Filters or of objects with "topicFilter", "qos", "noLocal", "retainAsPublished" and "retainHandling". suback: ' +
      '"packetId", "reasonCodes" ("returnCodes" before 5). unsubscribe: "packetId", "topicFilters". unsuback: "packetId", ' +
      '"reasonCodes". disconnect, auth: "reasonCode". pingreq, pingresp: nothing.',
    'Codes are numbers or as in "0x87". Payloads, passwords and binary properties are text, or hex or base64 at "payloadHex" or ' +
      '"payloadBase64". All but pings have "properties", named as in sub --json: {"contentType":"text/plain"}. Such packets have to keep ' +
      'the rules of the standard; to break one on purpose, give "fields", a list of {"raw":"hex"}.',
    'The exit code is 2 when the input is no such JSON; the message names line and member.',
  ],
  rows: inspectEncodeRows,
  examples: [
    { text: 'A packet in hex:', line: `mqtt-kit inspect encode '{"type":"publish","topic":"a/b","payload":"x"}'` },
    {
      text: 'The same bytes again, as a capture:',
      line: 'mqtt-kit inspect --json a.pcap | mqtt-kit inspect encode --to pcapng',
    },
    { text: 'Send packets to a broker:', line: 'mqtt-kit inspect encode --to binary packets.json' },
  ],
}
