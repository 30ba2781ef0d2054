// A broker for bench/clients.mjs that does next to nothing, so that the client is what is measured: it takes any CONNECT,
// counts and acknowledges PUBLISH, and answers SUBSCRIBE with a flood of messages. MQTT 3.1.1, trusted clients only.
import { createServer } from 'node:net'

const [count = '1000000', payload = '32'] = process.argv.slice(2)
const MESSAGES = Number(count)
const CHUNK_MESSAGES = 1000
const chunk = floodChunk(Number(payload))

const server = createServer({ noDelay: true }, (socket) => {
  /** @type {Buffer} */
  let rest = Buffer.alloc(0)
  let published = 0
  socket.on('error', () => {})
  socket.on('data', (bytes) => {
    const input = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    const answers = []
    let at = 0
    for (;;) {
      const packet = packetAt(input, at)
      if (packet === null) break
      const type = /** @type {number} */ (input[at]) >> 4
      if (type === 1) answers.push(0x20, 2, 0, 0)
      else if (type === 3) {
        published++
        if (((input[at] ?? 0) & 6) === 2) {
          const id = packet.body + 2 + input.readUInt16BE(packet.body)
          answers.push(0x40, 2, input[id] ?? 0, input[id + 1] ?? 0)
        }
      } else if (type === 8) {
        answers.push(0x90, 3, input[packet.body] ?? 0, input[packet.body + 1] ?? 0, 0)
        setImmediate(() => flood(socket, MESSAGES))
      } else if (type === 12) answers.push(0xd0, 0)
      at = packet.end
    }
    rest = input.subarray(at)
    if (answers.length > 0) socket.write(Buffer.from(answers))
  })
  socket.on('close', () => console.log(`published ${published}`))
})
server.listen(0, '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  console.log(`port ${port}`)
})

/** @param {Buffer} bytes @param {number} start */
function packetAt(bytes, start) {
  let length = 0
  for (let i = 1; i < 5; i++) {
    const digit = bytes[start + i]
    if (digit === undefined) return null
    length += (digit & 0x7f) * 128 ** (i - 1)
    if (digit < 0x80) {
      const body = start + i + 1
      return body + length > bytes.length ? null : { body, end: body + length }
    }
  }
  throw new Error('Remaining Length is longer than 4 bytes')
}

/** @param {number} payloadBytes */
function floodChunk(payloadBytes) {
  const topic = Buffer.from('bench/lines')
  const head = Buffer.from([0x30, 2 + topic.length + payloadBytes, 0, topic.length])
  const packet = Buffer.concat([head, topic, Buffer.alloc(payloadBytes, 'x')])
  return Buffer.concat(Array.from({ length: CHUNK_MESSAGES }, () => packet))
}

/** @param {import('node:net').Socket} socket @param {number} left */
function flood(socket, left) {
  let remaining = left
  while (remaining > 0 && !socket.destroyed) {
    remaining -= CHUNK_MESSAGES
    if (!socket.write(chunk)) {
      socket.once('drain', () => flood(socket, remaining))
      return
    }
  }
}
