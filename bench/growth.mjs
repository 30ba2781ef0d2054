// `npm run bench:growth`: what a message and a delivery cost our broker, in nanoseconds of its processor, as the number of
// connections, receivers, subscriptions and bytes grows. A step that costs much more than the one before is a cliff.
//
//   npm run bench:growth                  everything, about three minutes
//   npm run bench:growth -- --only payload
import { parseArgs } from 'node:util'
import { startOurs } from './lib/brokers.mjs'
import { measure } from './lib/generator.mjs'

const { values: options } = parseArgs({ options: { only: { type: 'string', default: '' } } })
const TIME = '--duration 2 --warmup 1'

/** @typedef {{ name: string, steps: { label: string, args: string }[] }} Row */

/** @type {readonly Row[]} */
const rows = [
  {
    name: 'connections, half of them publish to one of the others, window 10',
    steps: [10, 100, 1000, 10_000].map((count) => ({
      label: count.toLocaleString('en'),
      args: `p2p --clients ${count / 2} --window 10 ${TIME}`,
    })),
  },
  {
    name: 'receivers of each message',
    steps: [1, 10, 100, 1000, 10_000].map((count) => ({
      label: count.toLocaleString('en'),
      args: `fanout --pubs 1 --subs ${count} ${TIME}`,
    })),
  },
  {
    name: 'subscriptions, a tenth with wildcards, random topics',
    steps: [
      [1, 10],
      [10, 100],
      [100, 100],
      [1000, 100],
      [1000, 1000],
    ].map(([clients = 0, filters = 0]) => ({
      label: (clients * filters).toLocaleString('en'),
      args: `topics --subs ${clients} --filters ${filters} --wild 10 ${TIME}`,
    })),
  },
  {
    name: 'bytes of payload, 10 to 10 connections',
    steps: [10, 100, 1024, 10_240, 65_536, 262_144].map((bytes) => ({
      label: bytes.toLocaleString('en'),
      args: `p2p --clients 10 --payload ${bytes} ${TIME}`,
    })),
  },
]

for (const { name, steps } of rows.filter((row) => row.name.includes(options.only))) {
  console.log(
    `\n| ${name} | messages/s | deliveries/s | ns per message | ns per delivery |\n| --- | --- | --- | --- | --- |`,
  )
  for (const { label, args } of steps) {
    const broker = await startOurs()
    const result = await measure(broker, args)
    await broker.stop()
    console.log(`| ${[label, ...figures(result)].join(' | ')} |`)
  }
}

/** @param {import('./lib/generator.mjs').Result} result */
function figures({ error, pub_rate, rate, broker_cpu_s, wall_s }) {
  if (error !== undefined) return [String(error)]
  const nsPerSecond = (1e9 * broker_cpu_s) / wall_s
  return [pub_rate, rate, nsPerSecond / pub_rate, nsPerSecond / rate].map((value) =>
    Math.round(value).toLocaleString('en'),
  )
}
