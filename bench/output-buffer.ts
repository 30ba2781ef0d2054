/*
 * What a small packet costs on its way to a loopback socket: one socket.write per packet against OutputBuffer, which joins
 * what one turn of the event loop puts out. The peer is a thread that throws everything away. Run with:
 *
 *   npx esbuild bench/output-buffer.ts --bundle --platform=node --format=esm | node --input-type=module -
 */
import { once } from 'node:events'
import net from 'node:net'
import { Worker } from 'node:worker_threads'
import { OutputBuffer, Turn } from '../src/transport/output-buffer.ts'
import { TcpTransport } from '../src/transport/tcp.ts'

const PACKET_BYTES = 30
const PACKETS = 300_000
const MAXIMUM_TURNS = 10_000
const ROUNDS = 5

const SINK = `
  const { parentPort } = require('node:worker_threads')
  const server = require('node:net').createServer((socket) => socket.on('error', () => {}).resume())
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))`

const sink = new Worker(SINK, { eval: true, execArgv: [] })
const [port] = await once(sink, 'message')
const packet = Buffer.alloc(PACKET_BYTES, 0x30)

for (const packetsPerTurn of [1, 10, 100, 1000]) {
  await report(`socket.write per packet, ${packetsPerTurn} per turn`, packetsPerTurn, (socket) => () => {
    socket.write(packet)
  })
  await report(`OutputBuffer.reserve,    ${packetsPerTurn} per turn`, packetsPerTurn, (socket) => {
    const output = outputTo(socket)
    return () => {
      const offset = output.reserve(PACKET_BYTES)
      const bytes = output.bytes
      for (let i = 0; i < PACKET_BYTES; i++) bytes[offset + i] = i
    }
  })
  await report(`OutputBuffer.append,     ${packetsPerTurn} per turn`, packetsPerTurn, (socket) => {
    const output = outputTo(socket)
    return () => output.append(packet)
  })
}
await sink.terminate()

function outputTo(socket: net.Socket): OutputBuffer {
  const transport = new TcpTransport(socket, null)
  const output = new OutputBuffer(transport, new Turn())
  transport.start({
    data: () => {},
    ended: () => {},
    drained: () => output.drained(),
    closed: () => output.discard(),
  })
  return output
}

async function report(
  name: string,
  packetsPerTurn: number,
  prepare: (socket: net.Socket) => () => void,
): Promise<void> {
  const results: number[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    const nanoseconds = await measure(prepare(socket), packetsPerTurn, socket)
    if (round > 0) results.push(nanoseconds) // round 0 warms up
    socket.destroy()
  }
  results.sort((a, b) => a - b)
  console.log(`${name.padEnd(44)} ${results[ROUNDS >> 1]!.toFixed(0).padStart(6)} ns per packet`)
}

/** CPU time of this thread's loop per packet: the turn in which the packets are put out, and the flush after it. */
async function measure(send: () => void, packetsPerTurn: number, socket: net.Socket): Promise<number> {
  const turns = Math.min(MAXIMUM_TURNS, Math.ceil(PACKETS / packetsPerTurn))
  let elapsedMs = 0
  for (let turn = 0; turn < turns; turn++) {
    const start = performance.now()
    for (let i = 0; i < packetsPerTurn; i++) send()
    await new Promise((resolve) => setImmediate(resolve))
    elapsedMs += performance.now() - start
    while (socket.writableLength > 0) await new Promise((resolve) => setImmediate(resolve))
  }
  return (elapsedMs * 1e6) / (turns * packetsPerTurn)
}
