// Bytes that come one by one, never enough of them (semantics C-15, K-03, N-06).
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'mqtt-packet'
import { connected } from './lib/raw-connection.mjs'
import { Served } from './lib/served.mjs'
import { Verdict } from './lib/verdict.mjs'

export const summary = 'CONNECT, a TLS hello, a WebSocket upgrade and a PUBLISH, one byte a second: gone in time'

const CONNECT_LIMIT_SECONDS = 10
const KEEP_ALIVE_SECONDS = 2
/** how late a close may be seen on a busy machine; upgrades are looked through once a second */
const GRACE_SECONDS = 3
const CONNECT = generate({
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: 4,
  clientId: 'x'.repeat(60),
  clean: true,
  keepalive: 0,
})
const UPGRADE = `GET /mqtt HTTP/1.1\r\nHost: localhost\r\n${Array.from({ length: 30 }, (_, i) => `X-${i}: x\r\n`).join('')}`
/** the beginning of a ClientHello of 512 bytes */
const HELLO = Buffer.concat([Buffer.from('16030102000100', 'hex'), Buffer.alloc(100)])

export async function run() {
  const verdict = new Verdict()
  const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-drill-'))
  const [key, certificate] = [join(folder, 'key'), join(folder, 'certificate')]
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      '/CN=localhost',
      '-keyout',
      key,
      '-out',
      certificate,
    ],
    { stdio: 'ignore' },
  )
  const broker = await Served.start(['--ws-port', '0', '--tls-port', '0', '--tls-cert', certificate, '--tls-key', key])
  try {
    const upgrade = UPGRADE.split(/(?<=\r\n)/).map((line) => Buffer.from(line))
    const results = await Promise.all([
      drip(connect(broker.port(), '127.0.0.1'), bytes(CONNECT)),
      drip(connect(broker.port('mqtts'), '127.0.0.1'), bytes(HELLO)),
      drip(connect(broker.port('ws'), '127.0.0.1'), upgrade),
      dripPublish(broker.port()),
    ])
    const names = ['CONNECT', 'TLS hello', 'WebSocket upgrade, a header a second']
    for (const [index, name] of names.entries())
      verdict.atMost(`${name}: closed after`, results[index] ?? Number.NaN, CONNECT_LIMIT_SECONDS + GRACE_SECONDS, 's')
    verdict.atMost(
      `PUBLISH with keep alive ${KEEP_ALIVE_SECONDS} s: closed after`,
      results[3] ?? Number.NaN,
      1.5 * KEEP_ALIVE_SECONDS + GRACE_SECONDS,
      's',
    )
  } finally {
    await broker.stop()
    rmSync(folder, { recursive: true })
  }
  return verdict.isPassed
}

/** @param {Buffer} buffer */
function bytes(buffer) {
  return [...buffer].map((byte) => Buffer.from([byte]))
}

/** @param {number} port */
async function dripPublish(port) {
  const client = await connected(port, 'dripping', { keepalive: KEEP_ALIVE_SECONDS })
  const packet = generate({ cmd: 'publish', topic: 'a', payload: 'x'.repeat(100), qos: 0, retain: false, dup: false })
  return drip(client.socket, bytes(packet))
}

/**
 * Sends a part a second.
 * @param {import('node:net').Socket} socket
 * @param {Buffer[]} parts
 * @returns {Promise<number>} seconds until the broker closed; Infinity when it had not when all was sent
 */
function drip(socket, parts) {
  const startedAtMs = performance.now()
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const part = parts.shift()
      if (part === undefined) end(Number.POSITIVE_INFINITY)
      else socket.write(part)
    }, 1000)
    const end = (/** @type {number} */ seconds) => {
      clearInterval(timer)
      socket.destroy()
      resolve(seconds)
    }
    const closed = () => end((performance.now() - startedAtMs) / 1000)
    // reads, so that the end is seen
    socket.on('data', () => {})
    socket.on('error', closed)
    socket.on('end', closed)
    socket.on('close', closed)
  })
}
