import { PacketType } from '../../codec/packet-type.ts'
import { scenarios } from '../../load/plan.ts'
import { isResultNumber, resultNumbers } from '../../load/result-numbers.ts'
import { parseThreshold, type Threshold, ThresholdError } from '../../load/threshold.ts'
import { nearest } from '../nearest.ts'
import type { CommandSpec } from './command-spec.ts'
import { connectionOptions, targetOptions } from './connection.ts'
import { generalOptions } from './general.ts'
import { flag, many, one, ValueError, type ValueKind } from './option-row.ts'
import { profileOptions } from './profile.ts'
import { type PropertyPlaces, propertyAssignment, propertyWords } from './property-argument.ts'
import { tlsClientOptions } from './tls.ts'
import { duration, integer, mqttText, qos, text } from './values.ts'

const LARGEST_PAYLOAD_BYTES = 268_000_000
const MANY = 1_000_000_000

const threshold: ValueKind<Threshold> = {
  name: 'EXPR',
  read: (typed) => {
    const parsed = parse(typed)
    const name = parsed.path.join('.')
    if (!isResultNumber(name)) throw new ValueError(`a number of the result, and ${name} is none: ${advice(name)}`)
    return parsed
  },
}

function parse(typed: string): Threshold {
  try {
    return parseThreshold(typed)
  } catch (error) {
    if (error instanceof ThresholdError) throw new ValueError(error.message)
    throw error
  }
}

// People remember the end of a name best, and p99 for p99Ms.
function advice(name: string): string {
  const end = name.split('.').at(-1)!.toLowerCase()
  const similar = resultNumbers.filter((one) => [end, `${end}ms`].includes(one.split('.').at(-1)!.toLowerCase()))
  const meant = nearest(name, resultNumbers)
  if (meant !== null) return `did you mean ${meant}?`
  return similar.length > 0 ? `there are ${similar.join(', ')}` : `there are ${resultNumbers.join(', ')}`
}

const metricsUrl: ValueKind<URL> = {
  name: 'URL',
  read: (typed) => {
    if (!/^https?:/.test(typed) || !URL.canParse(typed))
      throw new ValueError('an address, as in http://localhost:9090/metrics')
    return new URL(typed)
  },
}

const percentage: ValueKind<number> = {
  name: 'PERCENT',
  read: (typed) => {
    const match = /^(\d+(?:\.\d+)?)%?$/.exec(typed)
    if (match === null) throw new ValueError('a percentage, as in 10%')
    return Number(match[1]) / 100
  },
}

const { protocolVersion, keepalive, connectTimeout } = connectionOptions

const benchPlaces: PropertyPlaces = {
  publish: PacketType.PUBLISH,
  connect: PacketType.CONNECT,
  subscribe: PacketType.SUBSCRIBE,
}

const loadOptions = {
  clients: one(integer('N', 1, MANY), {
    group: 'Load',
    short: 'c',
    default: 'by scenario',
    help: 'clients; for p2p the number of pairs',
  }),
  publishers: one(integer('N', 1, MANY), { group: 'Load', help: 'publishers, where they are another number' }),
  subscribers: one(integer('N', 1, MANY), { group: 'Load', help: 'subscribers, where they are another number' }),
  qos: one(qos, { group: 'Load', short: 'q', default: '0', help: 'quality of service of messages and subscriptions' }),
  size: one(integer('BYTES', 20, LARGEST_PAYLOAD_BYTES), {
    group: 'Load',
    short: 's',
    default: '64',
    unit: 'bytes',
    help: 'bytes of each payload, 20 or more',
    more: 'A payload begins with who sent it, which one it is and when it should have left, under a check word of 20 bytes in all.',
  }),
  payload: one(text('TEXT'), {
    group: 'Load',
    help: 'what stands behind the stamp in each payload; %i is the publisher',
    more: 'It is repeated until the payload has the size of -s; without -s a payload is 20 bytes and the text.',
  }),
  rate: one(integer('N', 1, MANY), {
    group: 'Load',
    default: 'as fast as the broker delivers',
    help: 'messages per second, all publishers together',
    more:
      'With a rate the loop is open: a message is due at its moment whatever became of those before, and response latency counts ' +
      'from that moment, so that a pause of the broker shows in all messages that it kept waiting. Without a rate each publisher has ' +
      'so many messages on their way as --window and -M allow.',
  }),
  duration: one(duration, { group: 'Load', default: '5s', help: 'time to measure' }),
  messages: one(integer('N', 1, MANY), {
    group: 'Load',
    short: 'n',
    help: 'messages in all, instead of a duration',
  }),
  warmup: one(duration, {
    group: 'Load',
    default: '1s, with -n 0',
    help: 'time before, in which latencies and rates are not measured',
    more: 'Loss, repetition and order are checked from the first message on.',
  }),
  drain: one(duration, {
    group: 'Load',
    default: '2s',
    help: 'silence at the end after which missing messages count as lost',
  }),
  window: one(integer('N', 0, MANY), {
    group: 'Load',
    default: '1000, less for large payloads or many receivers',
    help: 'messages of a publisher sent and not delivered; 0 for no bound',
  }),
  maxInflight: one(integer('N', 1, 65_535), {
    group: 'Load',
    short: 'M',
    default: '100',
    help: 'QoS 1 and 2 messages of a publisher in flight',
  }),
  topicAlias: one(integer('N', 0, 65_535), {
    group: 'Load',
    default: '0',
    help: 'topics of a publisher that get an MQTT 5.0 topic alias, as far as the broker takes them',
  }),
  connectRate: one(integer('N', 1, MANY), { group: 'Load', help: 'new connections per second, all together' }),
  topic: one(mqttText('TOPIC'), {
    group: 'Load',
    short: 't',
    help: 'topic template: %i number, %c client identifier, %u user',
    more:
      'Without it topics begin with bench- and a number of the run. %c and %u are those of the publisher; where a subscriber has several, ' +
      'it subscribes to + in their place. For sub it is a topic filter.',
  }),
  id: one(mqttText('ID'), { group: 'Load', short: 'i', help: 'client identifier template: %i is the number' }),
  retain: flag({ group: 'Load', short: 'r', help: 'messages are retained' }),
  credentials: one(text('FILE'), {
    group: 'Load',
    help: 'CSV of user,password: client i takes line i, round and round',
    more: 'A comma or a quotation mark stands in quotation marks, which are doubled inside, as spreadsheets write it.',
  }),
  workers: one(integer('N', 1, 256), {
    group: 'Load',
    default: '1',
    help: 'processes that make the load',
    more: 'Publishers and subscribers are shared out. One is enough until the result says that the generator was the bottleneck.',
  }),
  agents: one(integer('N', 1, 10_000), {
    group: 'Load',
    help: 'make the load on N agents on other machines (bench agent)',
    more:
      'Agents and bench meet on the broker under test or on --coordinator. All begin together, on the clock of bench: those of other ' +
      'machines are compared with it, and the result says how wrong they may be. What the agents need, user names, passwords and ' +
      'keys included, goes through that broker. An agent that dies ends the run with exit code 7.',
  }),
  coordinator: one(text('URL'), {
    group: 'Load',
    help: 'broker on which agents are met, if another one',
    more: 'With its user and password in the URL. TLS options are those of the broker under test.',
  }),
  group: one(mqttText('TOPIC'), {
    group: 'Load',
    default: 'mqtt-kit/bench',
    help: 'topic below which agents are met',
  }),
  file: one(text('FILE'), {
    group: 'Load',
    environment: false,
    help: 'phases from a TOML file, one after the other',
    more:
      'Each [[phase]] has a name and the long options of bench as keys, scenario and url among them; what stands above them holds for all. A ' +
      'phase with several [[phase.load]] runs them at once.',
  }),
  sweep: one(text('FROM..TO'), {
    group: 'Load',
    help: 'raise the rate until --until holds, and find where: 10k..200k',
  }),
  until: one(threshold, { group: 'Load', environment: false, help: 'what ends a sweep: latency.response.p99Ms > 10' }),
  repeat: one(integer('N', 1, 1000), {
    group: 'Load',
    default: '1, with --baseline 5',
    help: 'run so many times, for --save and --baseline',
  }),
  sourceAddress: one(text('A,B'), {
    group: 'Load',
    help: 'addresses of this machine to connect from, in turn',
    more:
      'One address reaches one port of a broker with some 28,000 connections at once, and beyond 5,000 the system finds free ports ' +
      'ever more slowly; on loopback 127.0.0.2 and so on are there. Every connection needs a file: see ulimit -n.',
  }),
  property: many(propertyWords(benchPlaces), {
    group: 'Load',
    short: 'D',
    environment: false,
    help: 'MQTT 5.0 property of publish, connect or subscribe',
  }),
  prop: many(propertyAssignment(benchPlaces), {
    group: 'Load',
    environment: false,
    help: 'the same as -D, in one word; of publish without CMD',
  }),
} as const

const outputOptions = {
  assert: many(threshold, {
    group: 'Output',
    environment: false,
    help: 'end with exit code 99 unless this holds; repeatable',
    more:
      'For example latency.response.p99Ms < 20 or deliver.rate >= 50000: a number of the result as --json names it, one of ' +
      '< <= > >= == !=, and a number.',
  }),
  allowLoss: flag({
    group: 'Output',
    help: 'lost QoS 0 messages are no failure',
    more: 'Otherwise a message that is lost, changed, out of order or, except at QoS 1, repeated ends bench with exit code 99.',
  }),
  pid: one(integer('PID', 1, MANY), {
    group: 'Output',
    help: 'process of the broker on this machine: its CPU and memory go into the result',
    more:
      'Needs /proc. The embedded broker is measured by itself. CPU is that while messages are measured, memory that at the end of ' +
      'publishing; the result says where they come from.',
  }),
  metrics: one(metricsUrl, {
    group: 'Output',
    help: 'page of the broker for Prometheus with its CPU and memory, instead of --pid',
    more:
      'By process_cpu_seconds_total and process_resident_memory_bytes, as serve --http and the client libraries of Prometheus ' +
      'name them.',
  }),
  sys: flag({
    group: 'Output',
    help: "take the broker's memory from $SYS/broker/heap/current, instead of --pid",
    more: 'As mosquitto has it. There is no CPU in $SYS.',
  }),
  save: one(text('FILE'), { group: 'Output', environment: false, help: 'write all runs to FILE, to be a baseline' }),
  baseline: one(text('FILE'), {
    group: 'Output',
    environment: false,
    help: 'compare with the runs in FILE by the Mann-Whitney U test; 99 when something is worse',
    more:
      'A rate or a latency is worse when its median is by more than --max-regress and the one-sided Mann-Whitney U test says at 5 % that ' +
      'chance is no explanation. That needs four runs on each side.',
  }),
  maxRegress: one(percentage, { group: 'Output', default: '10%', help: 'how much worse a median may be' }),
  report: one(text('FILE'), { group: 'Output', environment: false, help: 'write an HTML page with plots' }),
  csv: one(text('FILE'), { group: 'Output', environment: false, help: 'write each second as CSV' }),
  junit: one(text('FILE'), { group: 'Output', environment: false, help: 'write the checks as JUnit XML' }),
  github: flag({ group: 'Output', help: 'add the result to the step summary of GitHub Actions' }),
  json: flag({ group: 'Output', help: 'print the result as one JSON object' }),
  verbose: flag({ group: 'Output', short: 'v', help: 'a line per second on stderr, also without a terminal' }),
  quiet: flag({ group: 'Output', help: 'nothing on stderr; result and exit code tell' }),
} as const

/** All options of `bench`. */
export const benchRows = {
  ...loadOptions,
  ...targetOptions,
  protocolVersion,
  keepalive,
  connectTimeout,
  ...tlsClientOptions,
  ...outputOptions,
  ...profileOptions,
  ...generalOptions,
} as const

/** Everything about `bench` but what it does. */
export const benchSpec: CommandSpec<typeof benchRows> = {
  name: 'bench',
  summary: 'load and latency, with thresholds for CI',
  synopsis: '[URL] [SCENARIO] [OPTION...] | compare A B | agent [URL]',
  description: [
    'Puts load on a broker, checks every message, and tells rates and latencies. Without a broker (URL, -h, MQTT_URL) it starts one of ' +
      'its own in another process. Scenarios: p2p (default), fanin, fanout, rtt, conn, pub, sub, retained, offline, shared, ' +
      'storm.',
    'p2p: each publisher has a subscriber of its own. fanin: 10 publishers to 1 subscriber. fanout: 1 publisher to 100 subscribers. rtt: ' +
      'each client publishes to itself, one message at a time unless there is a rate. conn: 1000 connections are opened and held. pub: ' +
      'publishers alone. sub: subscribers alone, for messages of others. retained: -n messages are stored, then read by one ' +
      'subscriber. offline: -n messages wait for a client that is away, then are read. shared: 4 subscribers share what 10 publishers ' +
      'send. storm: 1000 clients with wills are cut off at once and come back. -c, --publishers and --subscribers change the numbers.',
    'Every payload says who sent it, which one it is and when it should have left. So lost, repeated, reordered and changed messages are ' +
      'counted, each receiver for itself. Service latency is from sending to arrival, response latency from the moment at which the ' +
      'message should have been sent (with --rate).',
    'The result says whether the generator itself was the bottleneck: its event loop was busy for more than 90 % of the time, or it sent ' +
      'messages more than 5 ms late. The numbers are then its own and not those of the broker.',
    'bench compare A B compares two files of --save, and bench agent URL waits for a bench --agents.',
    'The result is a table, or with --json one object that schema/bench-result.schema.json describes.',
  ],
  rows: benchRows,
  operands: [
    { words: [...Object.keys(scenarios), 'compare', 'agent'] },
    { words: Object.keys(scenarios), from: 'files' },
  ],
  examples: [
    { text: 'What this machine can do, with a broker of its own:', line: 'mqtt-kit bench' },
    {
      text: 'Latency of a broker at 1,000 messages per second, as a gate:',
      line: "mqtt-kit bench -h host --rate 1000 --assert 'latency.response.p99Ms < 20'",
    },
    {
      text: 'Hold 20,000 connections from two addresses:',
      line: 'mqtt-kit bench -h host conn -c 20000 --source-address 10.0.0.2,10.0.0.3',
    },
  ],
}
