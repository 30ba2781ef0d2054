import { payloadEncodings } from '../output/payload-encoding.ts'
import type { CommandSpec } from './command-spec.ts'
import { connectionOptions, sessionOptions, willOptions } from './connection.ts'
import { clientOutputOptions, generalOptions } from './general.ts'
import { flag, many, one } from './option-row.ts'
import { profileOptions } from './profile.ts'
import { propertyAssignment, propertyWords, subscribePlaces } from './property-argument.ts'
import { tlsClientOptions } from './tls.ts'
import { choice, duration, integer, percentage, qos, text, topicFilter } from './values.ts'

/** What to subscribe to and which messages count. */
export const subscriptionOptions = {
  topic: many(topicFilter, {
    group: 'Subscription',
    short: 't',
    help: 'topic filter, repeatable; the path of the URL without it',
  }),
  filterOut: many(topicFilter, {
    group: 'Subscription',
    short: 'T',
    help: 'leave out topics that match, repeatable',
  }),
  unsubscribe: many(topicFilter, {
    group: 'Subscription',
    short: 'U',
    environment: false,
    help: 'end this subscription of the session, repeatable',
  }),
  qos: many(qos, {
    group: 'Subscription',
    short: 'q',
    default: '0',
    help: 'highest QoS to receive with: 0, 1 or 2',
    more: 'Given once it is that of all filters; given once for each -t, the first is that of the first filter, and so on.',
  }),
  exitAfterSuback: flag({
    group: 'Subscription',
    short: 'E',
    environment: false,
    help: 'end when the broker has answered the subscriptions',
    more: 'For preparing a persistent session, with -c and -i.',
  }),
  count: one(integer('N', 1, Number.MAX_SAFE_INTEGER), {
    group: 'Subscription',
    short: 'C',
    help: 'end after N messages',
  }),
  idle: one(duration, {
    group: 'Subscription',
    help: 'end when no message came for so long',
    more: 'The time begins when the broker has answered the subscriptions. While -C or --until wait for more it ends with code 27.',
  }),
  until: one(text('CONDITION'), {
    group: 'Subscription',
    environment: false,
    help: 'end after the first message for which this holds',
    more:
      'Comparisons (== != < <= > >=, =~ and !~ with a regular expression) joined by &&, ||, ! and parentheses. Names are topic, ' +
      'payload (its text), payload.A.B (a member of its JSON), size (bytes), qos, retain, dup, count (which message it is) and ' +
      'properties.NAME as --json names them. Strings stand in quotes: --until \'payload.temperature > 20 && topic =~ "^room/"\'.',
  }),
  changes: flag({
    group: 'Subscription',
    help: 'leave out what is the same as the last on its topic',
    more: 'The last payloads of 100,000 topics are remembered, by their SHA-256.',
  }),
  randomFilter: one(percentage, {
    group: 'Subscription',
    help: 'take this share of the messages, by chance',
  }),
  removeRetained: flag({
    group: 'Subscription',
    environment: false,
    help: 'remove each retained message that comes',
    more:
      'An empty message with RETAIN is published in its place, at QoS 1; empty ones that come are not shown. What -T leaves out is kept. With --idle or --retained-only ' +
      'the command ends by itself, after the last acknowledgement.',
  }),
  dryRun: flag({
    group: 'Subscription',
    environment: false,
    help: 'with --remove-retained: count, and remove nothing',
  }),
  hideRetained: flag({ group: 'Subscription', short: 'R', help: 'leave out retained messages' }),
  retainedOnly: flag({
    group: 'Subscription',
    help: 'retained messages only; end at the first other one',
  }),
  noLocal: flag({ group: 'Subscription', help: 'nothing that this client publishes (5.0)' }),
  retainAsPublished: flag({ group: 'Subscription', help: 'keep RETAIN as the publisher set it (5.0)' }),
  retainHandling: one(choice('WHEN', ['always', 'new', 'never']), {
    group: 'Subscription',
    default: 'always',
    help: 'retained messages at subscribing: always, new, never (5.0)',
    more: 'With new, only when the subscription did not exist in the session.',
  }),
  property: many(propertyWords(subscribePlaces), {
    group: 'Subscription',
    short: 'D',
    environment: false,
    help: 'MQTT 5.0 property of a packet',
    more:
      'CMD is subscribe, connect, unsubscribe, will or disconnect. NAME is for example subscription-identifier, ' +
      'receive-maximum or session-expiry-interval; user-property takes a name and a value.',
  }),
  prop: many(propertyAssignment(subscribePlaces), {
    group: 'Subscription',
    environment: false,
    help: 'the same as -D, in one word; CMD is subscribe without it',
    more: 'Examples: subscription-identifier=7, connect.receive-maximum=10.',
  }),
} as const

/** How messages are printed. */
export const printOptions = {
  verbose: flag({ group: 'Output', short: 'v', help: 'print the topic and a space before the payload' }),
  noNewline: flag({ group: 'Output', short: 'N', help: 'print no newline after the payload' }),
  json: flag({
    group: 'Output',
    help: 'one JSON object per message and line',
    more:
      'The keys are topic, payload (when the bytes are UTF-8) or payloadBase64, qos, retain, dup, packetId (null at QoS 0), ' +
      'properties and receivedAt. pub --json-lines publishes them again.',
  }),
  format: one(text('FORMAT'), {
    group: 'Output',
    short: 'F',
    help: 'print each message in this form, as mosquitto_sub does',
    more:
      '%t topic, %p payload, %x and %X payload in hex, %l its bytes, %q QoS, %r retain, %m packet identifier, %A topic alias, ' +
      '%C content type, %D correlation data, %E message expiry interval, %F payload format indicator, %P user properties, ' +
      '%R response topic, %S subscription identifier, %j the message as JSON, %J the same with a payload that is JSON, ' +
      '%I time as in ISO 8601, %U time in seconds, %% a percent sign. Flags as in printf: %-20t, %05l, %.10t; widths never cut a ' +
      'payload. @X is %X of strftime(3), @N nanoseconds, @@ an at sign; \\\\ \\0 \\a \\e \\n \\r \\t \\v are escapes.',
  }),
  mosquittoOutput: flag({
    group: 'Output',
    help: 'print empty payloads as mosquitto_sub does',
    more: 'That is nothing at all, and with -v the word (null).',
  }),
  pretty: flag({ group: 'Output', help: '%j and %J of -F in several lines' }),
} as const

/** What to do with messages instead of printing them. */
export const destinationOptions = {
  decode: one(choice('KIND', payloadEncodings), {
    group: 'Output',
    help: `take payloads for ${payloadEncodings.join(', ')}, and show that`,
    more:
      'A payload of another kind is shown as it came, and stderr says so. JSON is shown without white space, and ' +
      'CBOR and MessagePack as JSON: bytes as {"hex"}, CBOR tags as {"tag","value"}, numbers that are not exact there as text.',
  }),
  tree: flag({
    group: 'Output',
    help: 'show topics as a tree, with counts and last payloads',
    more: 'In a pipe it is a line of JSON per --interval, with the topics that had messages.',
  }),
  rate: flag({
    group: 'Output',
    help: 'show how many messages and bytes come per second',
    more: 'In a pipe it is a line of JSON per --interval.',
  }),
  interval: one(duration, { group: 'Output', default: '1s', help: 'how often --tree and --rate show something new' }),
  exec: one(text('CMD'), {
    group: 'Output',
    environment: false,
    help: 'run this shell command for each message',
    more:
      'The payload is on its stdin; MQTT_TOPIC, MQTT_QOS, MQTT_RETAIN and MQTT_PROPERTIES (JSON) are in its environment. Nothing ' +
      'of a message becomes part of the command line. A message is acknowledged when it was read, not when its command has ended. ' +
      'Commands that fail are told, and end in exit code 12.',
  }),
  jobs: one(integer('N', 1, 256), {
    group: 'Output',
    default: '1',
    help: 'commands of --exec at once; with 1 they keep the order',
  }),
  outputDir: one(text('DIR'), {
    group: 'Output',
    environment: false,
    help: 'write each payload into a file of its own',
    more: 'The file is DIR/TOPIC/TIME-N.bin, a folder per topic level. What cannot be the name of a folder is percent-encoded.',
  }),
} as const

/** All options of `sub`. */
export const subscribeRows = {
  ...subscriptionOptions,
  ...printOptions,
  ...destinationOptions,
  ...connectionOptions,
  ...tlsClientOptions,
  ...sessionOptions,
  ...willOptions,
  ...clientOutputOptions,
  ...profileOptions,
  ...generalOptions,
} as const

/** Everything about `sub` but what it does. */
export const subscribeSpec: CommandSpec<typeof subscribeRows> = {
  name: 'sub',
  summary: 'subscribe and print messages',
  synopsis: '[URL] -t FILTER [OPTION...]',
  description: [
    'Prints the payload of every message that matches one of the filters, byte for byte, and a newline. It goes on until -C, ' +
      '--until, --idle or -W ends it, the connection is lost for good, the reader of stdout has gone, or Ctrl-C.',
    'When the broker refuses some of the filters, each is reported and the others go on; when it refuses all, the command ends ' +
      'with exit code 6.',
    'When the reader of stdout is slow, no more is read from the broker until it has caught up.',
  ],
  rows: subscribeRows,
  examples: [
    { text: 'Print everything below home, with topics:', line: "mqtt-kit sub -t 'home/#' -v" },
    { text: 'Wait at most ten seconds for one message:', line: 'mqtt-kit sub -t home/door -C 1 -W 10' },
    {
      text: 'Receive what came while away, as JSON:',
      line: "mqtt-kit sub mqtt://broker.lan -i desk -c -q 1 -t 'orders/#' --json",
    },
  ],
}
