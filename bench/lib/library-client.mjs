// For bench/clients.mjs: ten clients of the library in one process publish to a broker; prints messages per second.
import { Client, Message, parseAddress } from '../../dist/index.js'

const [port, qos, count] = process.argv.slice(2).map(Number)
const CLIENTS = 10
const share = Math.ceil((count ?? 0) / CLIENTS)

const runs = await Promise.all(Array.from({ length: CLIENTS }, (_, i) => connected(i)))
const start = performance.now()
await Promise.all(runs.map((run) => run()))
console.log((share * CLIENTS) / ((performance.now() - start) / 1000))
process.exit()

/** @param {number} number */
async function connected(number) {
  let wake = () => {}
  const client = new Client({ address: parseAddress(`mqtt://127.0.0.1:${port}`).address }, { drained: () => wake() })
  await client.connect()
  return async () => {
    let done = 0
    let sent = 0
    await new Promise((resolve) => {
      const settled = () => {
        if (++done === share) resolve(null)
      }
      wake = () => {
        while (sent < share) {
          sent++
          const message = Message.create(`bench/${number}`, 'sixteen bytes ..', { qos: /** @type {0 | 1} */ (qos) })
          if (!client.send(message, settled)) return
        }
      }
      wake()
    })
    await client.disconnect()
  }
}
