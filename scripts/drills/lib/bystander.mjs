// A client of its own process that sends messages to itself and tells, when stdin ends, how long they took.
// usage: node bystander.mjs PORT
import { connected } from './raw-connection.mjs'
import { percentile } from './verdict.mjs'

const SEND_EVERY_MS = 2

const client = await connected(Number(process.argv[2]), `bystander-${process.pid}`)
const topic = `bystander/${process.pid}`
await client.subscribe([topic], 0)
/** @type {number[]} */
const takenMs = []
client.onPacket = (packet) => {
  if (packet.cmd === 'publish') takenMs.push(performance.now() - Number(packet.payload.toString()))
}
const timer = setInterval(() => {
  const payload = String(performance.now())
  client.send({ cmd: 'publish', topic, payload, qos: 0, retain: false, dup: false })
}, SEND_EVERY_MS)
console.log('ready')
process.stdin.resume().on('end', () => {
  clearInterval(timer)
  client.destroy()
  console.log(JSON.stringify({ count: takenMs.length, p99Ms: percentile(takenMs, 0.99) }))
})
