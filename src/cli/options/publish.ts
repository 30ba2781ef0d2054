import type { CommandSpec } from './command-spec.ts'
import { connectionOptions, sessionOptions, willOptions } from './connection.ts'
import { clientOutputOptions, generalOptions } from './general.ts'
import { flag, many, one } from './option-row.ts'
import { propertyAssignment, propertyWords, publishPlaces } from './property-argument.ts'
import { tlsClientOptions } from './tls.ts'
import { duration, integer, qos, text, topicName } from './values.ts'

/** What to publish: topic, the six sources of a payload, and how. */
export const messageOptions = {
  topic: one(topicName, {
    group: 'Message',
    short: 't',
    help: 'topic to publish to; the path of the URL without it',
  }),
  message: many(text('TEXT'), {
    group: 'Message',
    short: 'm',
    environment: false,
    help: 'this text is the payload',
  }),
  file: many(text('FILE'), {
    group: 'Message',
    short: 'f',
    environment: false,
    help: 'the content of this file is the payload; - is stdin',
  }),
  null: flag({
    group: 'Message',
    short: 'n',
    aliases: ['null-message'],
    environment: false,
    help: 'an empty payload; with -r it removes what is retained',
  }),
  stdin: flag({
    group: 'Message',
    short: 's',
    aliases: ['stdin-file'],
    environment: false,
    help: 'all of stdin is one payload',
  }),
  lines: flag({
    group: 'Message',
    short: 'l',
    aliases: ['stdin-line', 'stdin-lines'],
    environment: false,
    help: 'each line of stdin is a payload',
    more:
      'Only the newline separates; carriage returns, zero bytes and bytes that are no UTF-8 are sent as they are. A last ' +
      'line without newline counts.',
  }),
  nullLines: flag({
    group: 'Message',
    environment: false,
    help: 'like -l, with a zero byte between payloads',
  }),
  qos: one(qos, {
    group: 'Message',
    short: 'q',
    default: '0',
    help: 'quality of service: 0, 1 or 2',
    more: 'At QoS 1 and 2 the command ends after the last acknowledgement.',
  }),
  retain: flag({ group: 'Message', short: 'r', help: 'the broker keeps the message for later subscribers' }),
  repeat: one(integer('N', 1, Number.MAX_SAFE_INTEGER), {
    group: 'Message',
    default: '1',
    help: 'publish the message N times; not with -l',
  }),
  repeatDelay: one(duration, { group: 'Message', default: '0', help: 'wait this long between two of them' }),
  dryRun: flag({
    group: 'Message',
    environment: false,
    help: 'print each PUBLISH packet as hex and send nothing',
  }),
  property: many(propertyWords(publishPlaces), {
    group: 'Message',
    short: 'D',
    environment: false,
    help: 'MQTT 5.0 property of a packet',
    more:
      'CMD is publish, connect, will or disconnect. NAME is for example content-type, message-expiry-interval, ' +
      'response-topic, correlation-data or payload-format-indicator; user-property takes a name and a value.',
  }),
  prop: many(propertyAssignment(publishPlaces), {
    group: 'Message',
    environment: false,
    help: 'the same as -D, in one word; CMD is publish without it',
    more: 'Examples: content-type=text/plain, user-property=unit=celsius, connect.receive-maximum=10.',
  }),
} as const

/** All options of `pub`. */
export const publishRows = {
  ...messageOptions,
  ...connectionOptions,
  ...tlsClientOptions,
  ...sessionOptions,
  ...willOptions,
  ...clientOutputOptions,
  ...generalOptions,
} as const

/** Everything about `pub` but what it does. */
export const publishSpec: CommandSpec<typeof publishRows> = {
  name: 'pub',
  summary: 'publish one message, a file, stdin or lines',
  synopsis: '[URL] -t TOPIC (-m TEXT | -f FILE | -n | -s | -l) [OPTION...]',
  description: [
    'Publishes messages, byte for byte as they were given, and ends with exit code 0 when the broker has taken them: at QoS 1 ' +
      'and 2 after the last acknowledgement, at QoS 0 when they have been sent.',
    'A message that the broker refuses is reported with its reason code and ends in exit code 9.',
  ],
  rows: publishRows,
  examples: [
    { text: 'Publish a text:', line: "mqtt-kit pub -t home/door -m 'open'" },
    {
      text: 'Publish each line of a log, acknowledged:',
      line: 'tail -n +1 app.log | mqtt-kit pub -t logs/app -l -q 1',
    },
    {
      text: 'Keep a configuration at a broker that wants a password:',
      line: 'mqtt-kit pub mqtt://ann@broker.lan --password-env PW -t cfg -f cfg.json -r',
    },
  ],
}
