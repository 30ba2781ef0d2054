import type { CommandSpec } from './command-spec.ts'
import { connectionOptions, sessionOptions, willOptions } from './connection.ts'
import { clientOutputOptions, generalOptions } from './general.ts'
import { flag, many, one } from './option-row.ts'
import { profileOptions } from './profile.ts'
import { propertyAssignment, propertyWords, requestPlaces } from './property-argument.ts'
import { publishRows } from './publish.ts'
import { printOptions } from './subscribe.ts'
import { tlsClientOptions } from './tls.ts'
import { integer, qos, text, topicFilter, topicName } from './values.ts'

const { message, file, null: nullMessage, stdin } = publishRows

/** What to ask, or with what to answer. */
export const requestOptions = {
  topic: one(topicFilter, {
    group: 'Message',
    short: 't',
    help: 'topic of the requests; the path of the URL without it',
    more: 'With --serve it may be a topic filter, a shared one too.',
  }),
  message,
  file,
  null: nullMessage,
  stdin,
  serve: one(text('CMD'), {
    group: 'Message',
    environment: false,
    help: 'answer requests with the output of this shell command',
    more:
      'The command gets the payload of the request on stdin and its topic in MQTT_TOPIC. Commands run one after another. When ' +
      'one fails there is no answer, and stderr says so.',
  }),
  responseTopic: one(topicName, {
    group: 'Message',
    short: 'e',
    help: 'topic of the responses; a new one is made without it',
    more:
      'The new one stands below the Response Information of the broker, if it has some. Needed in MQTT 3.1 ' +
      'and 3.1.1, which cannot tell it to the responder: both sides have to know it. With --serve it is where requests without a response topic are answered.',
  }),
  noCorrelation: flag({
    group: 'Message',
    help: 'send no correlation data and take any response (5.0)',
    more: 'For responders that do not send the correlation data back.',
  }),
  qos: one(qos, {
    group: 'Message',
    short: 'q',
    default: '0',
    help: 'quality of service of requests and responses: 0, 1 or 2',
  }),
  count: one(integer('N', 1, Number.MAX_SAFE_INTEGER), {
    group: 'Message',
    short: 'C',
    default: '1; with --serve without end',
    help: 'ask N times, one after another; answer N requests',
  }),
  hideRetained: flag({ group: 'Message', short: 'R', help: 'leave out retained messages' }),
  property: many(propertyWords(requestPlaces), {
    group: 'Message',
    short: 'D',
    environment: false,
    help: 'MQTT 5.0 property of a packet',
    more:
      'CMD is publish (the request, or the response with --serve), subscribe, connect, will or disconnect. NAME is for example ' +
      'content-type or message-expiry-interval; user-property takes a name and a value.',
  }),
  prop: many(propertyAssignment(requestPlaces), {
    group: 'Message',
    environment: false,
    help: 'the same as -D, in one word; CMD is publish without it',
  }),
} as const

/** All options of `rr`. */
export const requestRows = {
  ...requestOptions,
  ...printOptions,
  latency: flag({ group: 'Output', help: 'tell on stderr how long each response took' }),
  ...connectionOptions,
  ...tlsClientOptions,
  ...sessionOptions,
  ...willOptions,
  ...clientOutputOptions,
  ...profileOptions,
  ...generalOptions,
} as const

/** Everything about `rr` but what it does. */
export const requestSpec: CommandSpec<typeof requestRows> = {
  name: 'rr',
  summary: 'ask and print the response, or answer requests',
  synopsis: '[URL] -t TOPIC (-m TEXT | -f FILE | -n | -s | --serve CMD) [OPTION...]',
  description: [
    'Publishes a request with a response topic and correlation data, waits for the response that carries the same data, and ' +
      'prints its payload. A response with other correlation data, or none, is reported and not printed.',
    'With --serve it is the other side: it answers each request with the output of a command.',
    'MQTT 3.1 and 3.1.1 have neither property: there -e names the response topic for both sides, and the first message on it is ' +
      'taken as the response.',
  ],
  rows: requestRows,
  examples: [
    { text: 'Ask and wait at most five seconds:', line: "mqtt-kit rr -t calc -m '6 * 7' -W 5" },
    { text: 'Answer with the output of a program:', line: 'mqtt-kit rr -t calc --serve bc' },
    { text: 'Ask a hundred times and measure:', line: 'mqtt-kit rr -t echo -m x -C 100 --latency' },
  ],
}
