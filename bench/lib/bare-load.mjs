// The least that a latency costs in Node: two sockets of node:net, one sends a QoS 0 PUBLISH at each moment of an even rate and the
// other looks at the clock when it comes. No MQTT is decoded. Prints percentiles in milliseconds as JSON.
// usage: node bench/lib/bare-load.mjs PORT PAYLOAD_BYTES RATE SECONDS WARMUP_SECONDS
import { once } from 'node:events'
import { connect } from 'node:net'

const [port = 0, payloadBytes = 0, rate = 0, seconds = 0, warmupSeconds = 0] = process.argv.slice(2).map(Number)
const LEAD_MS = 100
const TOPIC = Buffer.from('t')

/** @param {string} clientId */
async function connected(clientId) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const id = Buffer.from(clientId)
  const head = [0x10, 12 + id.length, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 0, 0, id.length]
  socket.write(Buffer.concat([Buffer.from(head), id]))
  await once(socket, 'data')
  return socket
}

const subscriber = await connected('bare-sub')
const publisher = await connected('bare-pub')
subscriber.write(Buffer.from([0x82, 6, 0, 1, 0, 1, TOPIC[0] ?? 0, 0]))
await once(subscriber, 'data')

const remaining = 2 + TOPIC.length + payloadBytes
if (remaining > 127) throw new Error('a payload of up to 124 bytes, please')
const publish = Buffer.concat([Buffer.from([0x30, remaining, 0, TOPIC.length]), TOPIC, Buffer.alloc(payloadBytes)])
const count = rate * (seconds + warmupSeconds)
const startMs = performance.now() + LEAD_MS
const dueMs = (/** @type {number} */ number) => startMs + (number * 1000) / rate
const latenciesMs = new Float64Array(count)
let sent = 0
let received = 0

subscriber.on('data', (bytes) => {
  const nowMs = performance.now()
  for (let left = bytes.length; left >= publish.length; left -= publish.length) {
    latenciesMs[received] = nowMs - dueMs(received)
    received++
  }
  if (received < count) return
  const sorted = latenciesMs.slice(rate * warmupSeconds).sort()
  const at = (/** @type {number} */ share) => sorted[Math.floor(sorted.length * share)]
  console.log(JSON.stringify({ p50: at(0.5), p90: at(0.9), p99: at(0.99), rate }))
  subscriber.destroy()
  publisher.destroy()
})

function spin() {
  if (sent < count && performance.now() >= dueMs(sent)) {
    publisher.write(publish)
    sent++
  }
  if (received < count) setImmediate(spin)
}
spin()
