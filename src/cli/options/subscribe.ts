import type { CommandSpec } from './command-spec.ts'
import { connectionOptions, sessionOptions, willOptions } from './connection.ts'
import { clientOutputOptions, generalOptions } from './general.ts'
import { flag, many, one } from './option-row.ts'
import { propertyAssignment, propertyWords, subscribePlaces } from './property-argument.ts'
import { tlsClientOptions } from './tls.ts'
import { choice, integer, qos, topicFilter } from './values.ts'

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
  qos: one(qos, {
    group: 'Subscription',
    short: 'q',
    default: '0',
    help: 'highest QoS to receive with: 0, 1 or 2',
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
      'properties and receivedAt.',
  }),
} as const

/** All options of `sub`. */
export const subscribeRows = {
  ...subscriptionOptions,
  ...printOptions,
  ...connectionOptions,
  ...tlsClientOptions,
  ...sessionOptions,
  ...willOptions,
  ...clientOutputOptions,
  ...generalOptions,
} as const

/** Everything about `sub` but what it does. */
export const subscribeSpec: CommandSpec<typeof subscribeRows> = {
  name: 'sub',
  summary: 'subscribe and print messages',
  synopsis: '[URL] -t FILTER [OPTION...]',
  description: [
    'Prints the payload of every message that matches one of the filters, byte for byte, and a newline. It goes on until -C or ' +
      '-W ends it, the connection is lost for good, the reader of stdout has gone, or Ctrl-C.',
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
