// What a full store costs: how long a start takes with many sessions and messages, and how fast one long queue drains.
//
//   npm run bench:store                                    1,000,000 messages in 100,000 sessions, 200,000 messages of 1,000 B
//   npm run bench:store -- --sessions 10000 --messages 100000 --queue 50000 --payload 100
//   npm run bench:store -- --only drain --profile DIR      and a processor profile of the broker while it drains
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { onProcessor } from './lib/brokers.mjs'

const BINARY = fileURLToPath(new URL('../bin/mqtt-kit.cjs', import.meta.url))
const CLIENT_ID = 'reader'
/** messages without PUBACK at a time */
const WINDOW = 2000
const TICKS_PER_SECOND = 100
/** so that no bound of a queue is reached */
const NO_BOUNDS = ['--max-queued', '100000000', '--max-queued-bytes', '100000000000']

const { values: options } = parseArgs({
  options: {
    sessions: { type: 'string', default: '100000' },
    messages: { type: 'string', default: '1000000' },
    queue: { type: 'string', default: '200000' },
    payload: { type: 'string', default: '1000' },
    only: { type: 'string', default: '' },
    profile: { type: 'string' },
  },
})

/** @param {number} sessions @param {number} messages @param {number} payloadBytes */
function* lines(sessions, messages, payloadBytes) {
  const payload = 'x'.repeat(payloadBytes)
  for (let i = 0; i < sessions; i++) {
    const clientId = `client${i}`
    yield `${JSON.stringify({ kind: 'session', clientId, subscriptions: [{ topicFilter: `to/${i}`, qos: 1 }] })}\n`
    const line = `${JSON.stringify({ kind: 'message', clientId, topic: `to/${i}`, payload, qos: 1 })}\n`
    for (let n = Math.floor((messages * i) / sessions); n < Math.floor((messages * (i + 1)) / sessions); n++) yield line
  }
}

/** @param {string} folder @param {[number, number, number]} what @returns {Promise<number>} seconds */
async function fill(folder, what) {
  const startedAtMs = performance.now()
  const importing = spawn(process.execPath, [BINARY, 'store', 'import', folder], {
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  const exit = once(importing, 'exit')
  await pipeline(Readable.from(lines(...what)), importing.stdin)
  const [code] = await exit
  if (code !== 0) throw new Error(`store import ended with ${code}`)
  return (performance.now() - startedAtMs) / 1000
}

/** @param {string} folder */
async function startBroker(folder) {
  const startedAtMs = performance.now()
  const profiling = options.profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', options.profile]
  const [program = '', ...args] = onProcessor(0, [
    process.execPath,
    ...profiling,
    BINARY,
    'serve',
    '-p',
    '0',
    '--sys-interval',
    '0',
    '--data',
    folder,
    ...NO_BOUNDS,
  ])
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  return {
    port: Number(/:(\d+)$/.exec(String(line))?.[1]),
    readySeconds: (performance.now() - startedAtMs) / 1000,
    /** user and system, so far */
    get processorSeconds() {
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
    },
    get memoryMebibytes() {
      return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024
    },
    async stop() {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** A connection of MQTT 3.1.1. @param {number} port @param {string} clientId its session is kept */
async function connected(port, clientId) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  const id = Buffer.from(clientId)
  const body = Buffer.concat([Buffer.from('00044d5154540400000000', 'hex'), Buffer.from([id.length]), id])
  socket.write(Buffer.concat([Buffer.from([0x10, body.length]), body]))
  return socket
}

/**
 * Publishes for a session that is away, at QoS 1.
 * @param {number} port @param {number} count @param {number} payloadBytes
 * @returns {Promise<number>} messages per second until the last PUBACK
 */
async function publish(port, count, payloadBytes) {
  const reader = await connected(port, CLIENT_ID)
  reader.write(Buffer.from('820600010001' + '6101', 'hex'))
  await once(reader, 'data')
  await new Promise((resolve) => setTimeout(resolve, 100))
  reader.end(Buffer.from('e000', 'hex'))
  await once(reader, 'close')

  const socket = await connected(port, 'writer')
  await once(socket, 'data')
  const startedAtMs = performance.now()
  const header = Buffer.concat([lengthOf(0x32, payloadBytes + 5), Buffer.from('000161', 'hex')])
  const packet = Buffer.concat([header, Buffer.alloc(payloadBytes + 2, 'x')])
  let sent = 0
  let acknowledgedBytes = 0
  const done = new Promise((resolve) => {
    const send = () => {
      const packets = []
      for (; sent < count && sent - acknowledgedBytes / 4 < WINDOW; sent++) {
        packet.writeUInt16BE((sent % 65_535) + 1, header.length)
        packets.push(Buffer.from(packet))
      }
      if (packets.length > 0) socket.write(Buffer.concat(packets))
    }
    socket.on('data', ({ length }) => {
      acknowledgedBytes += length
      if (acknowledgedBytes >= count * 4) resolve(undefined)
      else send()
    })
    send()
  })
  await done
  socket.destroy()
  return count / ((performance.now() - startedAtMs) / 1000)
}

/** @param {number} firstByte @param {number} length */
function lengthOf(firstByte, length) {
  const bytes = [firstByte]
  for (let left = length; ; left >>= 7) {
    bytes.push(left > 127 ? (left & 127) | 128 : left)
    if (left <= 127) return Buffer.from(bytes)
  }
}

/**
 * Takes up the session and acknowledges what comes, as fast as it does.
 * @param {number} port @param {number} count
 * @returns {Promise<number>} messages per second from CONNECT to the last one
 */
async function drain(port, count) {
  const startedAtMs = performance.now()
  const socket = await connected(port, CLIENT_ID)
  let seen = 0
  let rest = Buffer.alloc(0)
  await new Promise((resolve) => {
    socket.on('data', (chunk) => {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      const { answers, taken, messages } = acknowledge(bytes)
      rest = Buffer.from(bytes.subarray(taken))
      socket.write(answers)
      seen += messages
      if (seen >= count) resolve(undefined)
    })
  })
  const perSecond = count / ((performance.now() - startedAtMs) / 1000)
  socket.destroy()
  return perSecond
}

/** @param {Buffer} bytes whole packets and the beginning of one */
function acknowledge(bytes) {
  const answers = Buffer.allocUnsafe(4 * Math.ceil(bytes.length / 8))
  let messages = 0
  let at = 0
  for (;;) {
    let length = 0
    let next = at + 1
    for (let shift = 0; next < bytes.length; shift += 7) {
      const byte = bytes[next++] ?? 0
      length |= (byte & 127) << shift
      if (byte < 128) break
    }
    if (at + 2 > bytes.length || next + length > bytes.length) break
    if (((bytes[at] ?? 0) & 0xf0) === 0x30) {
      answers.writeUInt16BE(0x4002, messages * 4)
      bytes.copy(answers, messages * 4 + 2, next + 2 + bytes.readUInt16BE(next), next + 4 + bytes.readUInt16BE(next))
      messages++
    }
    at = next + length
  }
  return { answers: answers.subarray(0, messages * 4), taken: at, messages }
}

/** @param {number} number */
function format(number) {
  return Math.round(number).toLocaleString('en')
}

/** @param {(folder: string) => Promise<void>} measure */
async function withFolder(measure) {
  const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-bench-'))
  try {
    await measure(join(folder, 'data'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

if ('start'.includes(options.only)) {
  await withFolder(async (folder) => {
    const [sessions, messages] = [Number(options.sessions), Number(options.messages)]
    const seconds = await fill(folder, [sessions, messages, 100])
    console.log(`import of ${format(messages)} messages in ${format(sessions)} sessions: ${seconds.toFixed(1)} s`)
    const broker = await startBroker(folder)
    const { readySeconds, processorSeconds, memoryMebibytes } = broker
    const times = `${readySeconds.toFixed(1)} s, ${processorSeconds.toFixed(1)} s of processors`
    console.log(`start with them: ${times}, then ${format(memoryMebibytes)} MiB`)
    await broker.stop()
  })
}
if ('drain'.includes(options.only)) {
  await withFolder(async (folder) => {
    const [queue, payload] = [Number(options.queue), Number(options.payload)]
    const taking = await startBroker(folder)
    const inPerSecond = await publish(taking.port, queue, payload)
    const what = `${format(queue)} messages of ${format(payload)} B`
    console.log(`${what} come in: ${format(inPerSecond)}/s, then ${format(taking.memoryMebibytes)} MiB`)
    await taking.stop()
    const broker = await startBroker(folder)
    const { memoryMebibytes, processorSeconds } = broker
    const outPerSecond = await drain(broker.port, queue)
    const cost = `${format(((broker.processorSeconds - processorSeconds) * 1e9) / queue)} ns of processors each`
    const memories = `${format(memoryMebibytes)} MiB before, ${format(broker.memoryMebibytes)} MiB after`
    console.log(`they go out after a restart: ${format(outPerSecond)}/s, ${cost}, ${memories}`)
    await broker.stop()
  })
}
