import type { CommandSpec } from './command-spec.ts'
import { connectionOptions, sessionOptions, willOptions } from './connection.ts'
import { clientOutputOptions, generalOptions } from './general.ts'
import { flag, many, one } from './option-row.ts'
import { profileOptions } from './profile.ts'
import { propertyAssignment, propertyWords, publishPlaces } from './property-argument.ts'
import { tlsClientOptions } from './tls.ts'
import { choice, duration, integer, positive, qos, speed, text, topicName } from './values.ts'

/** What to publish: topic, the sources of payloads, and how. */
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
  jsonLines: flag({
    group: 'Message',
    environment: false,
    help: 'each line of stdin is a message as sub --json prints it',
    more:
      'Topic, payload (or payloadBase64), qos, retain and properties are published as they stand there; where one is missing, -t, ' +
      '-q, -r and --prop hold. What belongs to the receiver (dup, packetId, subscriptionIdentifiers, topicAlias) is not sent.',
  }),
  timing: one(speed, {
    group: 'Message',
    environment: false,
    default: 'max',
    help: 'rhythm of --json-lines: 1x as received, 10x, max',
    more: 'Any number before the x will do. The times are those of receivedAt.',
  }),
  topicLines: one(text('SEPARATOR'), {
    group: 'Message',
    environment: false,
    help: 'each line of stdin is a topic, this separator and a payload',
    more: 'The first separator of the line counts; all behind it is the payload. sub -F "%t\\t%p" prints such lines.',
  }),
  size: one(integer('BYTES', 0, 268_435_455), {
    group: 'Message',
    environment: false,
    help: 'a payload of so many random bytes',
  }),
  template: flag({
    group: 'Message',
    help: 'fill {{n}}, {{time}}, {{random 1 6}} ... in payload and topic',
    more:
      '{{n}} is the number of the message, {{n 100}} counts from 100; {{time}} is the time as in ISO 8601, {{ms}} and {{s}} count ' +
      'since 1970; {{random MIN MAX}} is a whole number, {{hex BYTES}} random bytes, {{uuid}} a UUID.',
  }),
  encode: one(choice('KIND', ['hex', 'base64']), {
    group: 'Message',
    help: 'publish payloads written as hex or base64',
    more: 'sub --decode reads them.',
  }),
  rate: one(positive('N'), {
    group: 'Message',
    help: 'publish at most N messages per second',
    more: 'For --repeat and for all that comes in lines. Fractions are welcome: 0.5 is one every two seconds.',
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
    help: 'publish the message N times; not for lines',
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
  ...profileOptions,
  ...generalOptions,
} as const

/** Everything about `pub` but what it does. */
export const publishSpec: CommandSpec<typeof publishRows> = {
  name: 'pub',
  summary: 'publish one message, a file, stdin or lines',
  synopsis: '[URL] -t TOPIC (-m TEXT | -f FILE | -n | -s | -l | --json-lines) [OPTION...]',
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
