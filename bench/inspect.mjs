// How fast inspect reads a large pcapng, and how much memory it takes. The file is written anew to a temporary folder,
// one connection that publishes at QoS 0 in segments of 1,448 bytes.
// Run with: npm run build && node bench/inspect.mjs [MEGABYTES] [PAYLOAD_BYTES]
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'

const MEGABYTES = Number(process.argv[2] ?? 1000)
const PAYLOAD_BYTES = Number(process.argv[3] ?? 200)
const SEGMENT_BYTES = 1448
const PROGRAM = fileURLToPath(new URL('../bin/mqtt-kit.cjs', import.meta.url))

const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-inspect-'))
const file = join(folder, 'large.pcapng')
try {
  const packets = generate()
  const megabytes = statSync(file).size / 1e6
  const measured = [
    '-e',
    `process.on('exit', () => console.error('rss ' + process.resourceUsage().maxRSS))
    process.argv = [process.argv[0], ${JSON.stringify(PROGRAM)}, 'inspect', ${JSON.stringify(file)}]
    require(${JSON.stringify(PROGRAM)})`,
  ]
  const start = performance.now()
  const { stderr, status } = spawnSync(process.execPath, measured, {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  })
  const seconds = (performance.now() - start) / 1000
  if (status !== 0) throw new Error(`ended with ${status}: ${stderr}`)
  const rss = Number(/rss (\d+)/.exec(stderr)?.[1]) / 1024
  console.log(`Node ${process.version}: ${megabytes.toFixed(0)} MB, ${packets} packets in ${seconds.toFixed(1)} s`)
  console.log(
    `${(megabytes / seconds).toFixed(0)} MB/s, ${(packets / seconds / 1000).toFixed(0)} thousand packets/s, ${rss.toFixed(0)} MB of memory`,
  )
} finally {
  rmSync(folder, { recursive: true })
}

/** @returns {number} packets written */
function generate() {
  const out = openSync(file, 'w')
  const section = uint32s(0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0xffff_ffff, 0xffff_ffff, 28)
  writeSync(out, Buffer.concat([section, uint32s(1, 20, 101, 65_535, 20)]))
  const connect = Buffer.from('101000044d5154540402003c000462656e63', 'hex')
  const topic = Buffer.from('sensors/hall-3/temperature')
  const body = Buffer.concat([Buffer.from([0, topic.length]), topic, Buffer.alloc(PAYLOAD_BYTES, 0x31)])
  const publish = Buffer.concat([Buffer.from([0x30]), length(body.length), body])
  const run = Buffer.concat(Array.from({ length: SEGMENT_BYTES }, () => publish))
  let sequence = 1000
  /** @param {Buffer} payload @param {number} flags */
  const segment = (payload, flags) => {
    const ip = Buffer.alloc(40 + payload.length)
    ip.writeUInt8(0x45, 0)
    ip.writeUInt16BE(ip.length, 2)
    ip.writeUInt8(6, 9)
    ip.writeUInt32BE(0x0a00_0001, 12)
    ip.writeUInt32BE(0x0a00_0002, 16)
    ip.writeUInt16BE(40_000, 20)
    ip.writeUInt16BE(9_999, 22)
    ip.writeUInt32BE(sequence, 24)
    ip.writeUInt8(0x50, 32)
    ip.writeUInt8(flags, 33)
    payload.copy(ip, 40)
    sequence = (sequence + payload.length + (flags & 2 ? 1 : 0)) >>> 0
    const padding = (4 - (ip.length % 4)) % 4
    const total = 32 + ip.length + padding
    const head = uint32s(6, total, 0, 0x5_0000, sequence, ip.length, ip.length)
    return Buffer.concat([head, ip, Buffer.alloc(padding), uint32s(total)])
  }
  writeSync(out, Buffer.concat([segment(Buffer.alloc(0), 2), segment(connect, 16)]))
  let written = 0
  let runs = 0
  while (written < MEGABYTES * 1e6) {
    const blocks = []
    for (let at = 0; at < run.length; at += SEGMENT_BYTES)
      blocks.push(segment(run.subarray(at, at + SEGMENT_BYTES), 16))
    written += writeSync(out, Buffer.concat(blocks))
    runs++
  }
  closeSync(out)
  return 1 + runs * SEGMENT_BYTES
}

/** @param {number[]} values */
function uint32s(...values) {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, index * 4)
  return bytes
}

/** @param {number} value */
function length(value) {
  return value < 128 ? Buffer.from([value]) : Buffer.from([(value & 127) | 128, value >> 7])
}
