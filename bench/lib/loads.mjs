// The loads of `npm run bench`: what mqttload is told, which of its figures is compared, and the ratio we hold ourselves to.

/**
 * @typedef {{ name: string, args: string, figure: string, versus: 'rate' | 'cost', target: number, aedes?: boolean }} Load
 * `versus: rate`: ours / theirs has to reach the target; `cost`: ours / theirs may not exceed it.
 */

/** @param {string} args */
const p2p = (args) => `p2p ${args} --duration 3 --warmup 1`
/** @param {number} subscribers @param {number} qos */
const fanout = (subscribers, qos) => `fanout --pubs 1 --subs ${subscribers} --qos ${qos} --duration 3 --warmup 1`

/** @type {readonly Load[]} */
export const loads = [
  {
    name: 'p2p 10:10, 16 B, QoS 0',
    args: p2p('--clients 10'),
    figure: 'rate',
    versus: 'rate',
    target: 12,
    aedes: true,
  },
  {
    name: 'p2p 10:10, 16 B, QoS 1',
    args: p2p('--clients 10 --qos 1'),
    figure: 'rate',
    versus: 'rate',
    target: 10,
    aedes: true,
  },
  {
    name: 'p2p 10:10, 16 B, QoS 1, kept sessions, ours with --data',
    args: p2p('--clients 10 --qos 1 --kept'),
    figure: 'rate',
    versus: 'rate',
    target: 1,
  },
  {
    name: 'p2p 10:10, 16 B, QoS 2',
    args: p2p('--clients 10 --qos 2'),
    figure: 'rate',
    versus: 'rate',
    target: 10,
    aedes: true,
  },
  {
    name: 'p2p 200:200, window 10, QoS 0',
    args: p2p('--clients 200 --window 10'),
    figure: 'rate',
    versus: 'rate',
    target: 1,
    aedes: true,
  },
  {
    name: 'p2p 200:200, window 10, QoS 1',
    args: p2p('--clients 200 --window 10 --qos 1'),
    figure: 'rate',
    versus: 'rate',
    target: 1,
    aedes: true,
  },
  {
    name: 'the same, 5.0, two user properties, QoS 0',
    args: p2p('--clients 200 --window 10 --proto 5 --user-props 2'),
    figure: 'rate',
    versus: 'rate',
    target: 5,
  },
  {
    name: 'the same, 5.0, two user properties, QoS 1',
    args: p2p('--clients 200 --window 10 --proto 5 --user-props 2 --qos 1'),
    figure: 'rate',
    versus: 'rate',
    target: 5,
  },
  {
    name: 'p2p 50:50, 1 KiB, QoS 0',
    args: p2p('--clients 50 --payload 1024'),
    figure: 'rate',
    versus: 'rate',
    target: 5,
    aedes: true,
  },
  {
    name: 'p2p 50:50, 1 KiB, QoS 1',
    args: p2p('--clients 50 --payload 1024 --qos 1'),
    figure: 'rate',
    versus: 'rate',
    target: 5,
    aedes: true,
  },
  { name: 'fan-out 1:100, 16 B, QoS 0', args: fanout(100, 0), figure: 'rate', versus: 'rate', target: 6, aedes: true },
  { name: 'fan-out 1:100, 16 B, QoS 1', args: fanout(100, 1), figure: 'rate', versus: 'rate', target: 6, aedes: true },
  {
    name: 'fan-out 1:1000, 16 B, QoS 0',
    args: fanout(1000, 0),
    figure: 'rate',
    versus: 'rate',
    target: 6,
    aedes: true,
  },
  {
    name: 'fan-out 1:1000, 16 B, QoS 1',
    args: fanout(1000, 1),
    figure: 'rate',
    versus: 'rate',
    target: 6,
    aedes: true,
  },
  {
    name: 'p2p 10:10, 64 KiB, QoS 0',
    args: p2p('--clients 10 --payload 65536'),
    figure: 'rate',
    versus: 'rate',
    target: 1,
    aedes: true,
  },
  {
    name: 'random topics, 100,000 filters, 10 % wildcards',
    args: 'topics --subs 1000 --filters 100 --wild 10 --duration 3',
    figure: 'rate',
    versus: 'rate',
    target: 3,
  },
  {
    name: 'open loop 5,000/s, latency p50',
    args: 'rtt --rate 5000 --duration 6',
    figure: 'lat_us.p50',
    versus: 'cost',
    target: 1.1,
  },
  {
    name: 'open loop 5,000/s, latency p99',
    args: 'rtt --rate 5000 --duration 6',
    figure: 'lat_us.p99',
    versus: 'cost',
    target: 1.1,
  },
  {
    name: 'open loop 5,000/s, CPU s per million',
    args: 'rtt --rate 5000 --duration 6',
    figure: 'cpu_s_per_million',
    versus: 'cost',
    target: 1.3,
  },
  {
    name: 'connect rate, 5,000 clients',
    args: 'conn --clients 5000 --hold 1',
    figure: 'conn_rate',
    versus: 'rate',
    target: 0.8,
  },
  {
    name: '100,000 retained to one wildcard subscriber',
    args: 'retained --messages 100000',
    figure: 'replay_rate',
    versus: 'rate',
    target: 3,
  },
  {
    name: '50,000 queued messages drained, QoS 1',
    args: 'offline --messages 50000 --qos 1',
    figure: 'drain_rate',
    versus: 'rate',
    target: 3,
  },
]

/**
 * Rows with the same arguments are run once.
 * @param {readonly Load[]} chosen
 */
export function distinctArguments(chosen) {
  return [...new Set(chosen.map((load) => load.args))]
}

/**
 * Looks up `lat_us.p50` in a result.
 * @param {any} result
 * @param {string} path
 * @returns {number | undefined}
 */
export function figureOf(result, path) {
  return path.split('.').reduce((value, key) => value?.[key], result)
}
