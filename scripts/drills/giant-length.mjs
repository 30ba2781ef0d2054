// Packets that declare 256 MB and send nothing of it (semantics B-18).
import { connected } from './lib/raw-connection.mjs'
import { Served } from './lib/served.mjs'
import { pause } from './lib/until.mjs'
import { Verdict } from './lib/verdict.mjs'

export const summary = '200 connections declare a packet of 256 MB: refused by its header, at no memory'

const CLIENTS = 200
/** PUBLISH, Remaining Length 268,435,455, and the beginning of a topic */
const GIANT = Buffer.from('30ffffff7f0001', 'hex')

export async function run() {
  const verdict = new Verdict()
  for (const [name, options] of /** @type {[string, string[]][]} */ ([
    ['above the limit: ended', []],
    ['within the limit: waited for', ['--max-packet-size', '268435460']],
  ])) {
    const broker = await Served.start(['--sys-interval', '0', ...options])
    try {
      console.log(name)
      const clients = await Promise.all(
        Array.from({ length: CLIENTS }, (_, i) => connected(broker.port(), `giant${i}`)),
      )
      await pause(500)
      const before = broker.residentMib
      for (const { socket } of clients) socket.write(GIANT)
      await pause(2500)
      const open = clients.filter(({ isClosed }) => !isClosed).length
      verdict.equals('connections open', open, options.length === 0 ? 0 : CLIENTS)
      verdict.atMost('memory more than of idle ones', broker.residentMib - before, 16, 'MiB')
    } finally {
      await broker.stop()
    }
  }
  return verdict.isPassed
}
