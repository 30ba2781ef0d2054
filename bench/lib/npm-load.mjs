// For bench/agreement.mjs: pairs of clients of npm mqtt in one process, each publisher with so many messages on their way; what
// a generator made of that library can reach at best. MQTT 3.1.1, QoS 0. Prints messages per second delivered.
import mqtt from 'mqtt'

const [port, pairs = 1, payloadBytes = 0, window = 1, durationSeconds = 1, warmupSeconds = 0] = process.argv
  .slice(2)
  .map(Number)
const payload = Buffer.alloc(payloadBytes, 'x')
let received = 0

await Promise.all(Array.from({ length: pairs }, (_, i) => pair(i)))
await seconds(warmupSeconds)
const [countBefore, start] = [received, performance.now()]
await seconds(durationSeconds)
console.log((received - countBefore) / ((performance.now() - start) / 1000))
process.exit()

/** @param {number} number */
async function pair(number) {
  const url = `mqtt://127.0.0.1:${port}`
  const [subscriber, publisher] = await Promise.all([mqtt.connectAsync(url), mqtt.connectAsync(url)])
  const topic = `bench/${number}`
  await subscriber.subscribeAsync(topic)
  let sent = 0
  let arrived = 0
  const refill = () => {
    for (; sent - arrived < window; sent++) publisher.publish(topic, payload)
  }
  subscriber.on('message', () => {
    received++
    arrived++
    // in bursts, as the other generators do
    if (sent - arrived <= window / 2) refill()
  })
  refill()
}

/** @param {number} count */
function seconds(count) {
  return new Promise((resolve) => setTimeout(resolve, count * 1000))
}
