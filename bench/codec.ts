/*
 * What it costs to decode and to encode a PUBLISH, against npm mqtt-packet. Chunks hold as many packets as fit into 64 KiB,
 * as a busy socket delivers them. Medians of alternating rounds, so that a machine that slows down slows both. Run with
 * `npm run bench:codec`.
 */
import { generate, type IPublishPacket, parser } from 'mqtt-packet'
import { Decoder } from '../src/codec/decoder.ts'
import { encodePacket } from '../src/codec/encoder.ts'
import { Message } from '../src/codec/message.ts'
import { Role } from '../src/codec/packet-type.ts'
import {
  Publish,
  PublishHeader,
  publishBytes,
  publishRemainingLength,
  writePublish,
} from '../src/codec/packets/publish.ts'
import type { Properties } from '../src/codec/property.ts'
import { ProtocolVersion } from '../src/codec/protocol-version.ts'

const CHUNK_BYTES = 65_536
const ROUND_MS = 150
const ROUNDS = 9
const TOPIC = 'sensors/hall-3/temperature'

interface Subject {
  readonly title: string
  readonly version: ProtocolVersion
  readonly payload: Buffer
  readonly properties: Properties
}

const userProperties: readonly (readonly [string, string])[] = [
  ['unit', 'celsius'],
  ['site', 'north'],
]
const subjects: readonly Subject[] = [
  { title: '3.1.1, 16 B', version: ProtocolVersion.V3_1_1, payload: Buffer.alloc(16, 0x31), properties: {} },
  { title: '3.1.1, 1 KiB', version: ProtocolVersion.V3_1_1, payload: Buffer.alloc(1024, 0x31), properties: {} },
  {
    title: '5.0, 16 B, two User Properties',
    version: ProtocolVersion.V5,
    payload: Buffer.alloc(16, 0x31),
    properties: { userProperties: [...userProperties] },
  },
]

// what the work leaves behind, so that nothing of it can be left out
let seen = 0

console.log(`Node ${process.version}, ns per PUBLISH, medians of ${ROUNDS} rounds`)
for (const subject of subjects) measure(subject)
if (seen === 0) throw new Error('nothing was done')

/** One way to do the work: does `count` packets. */
type Work = () => number

function measure({ title, version, payload, properties }: Subject): void {
  const message = Message.create(TOPIC, payload, { properties })
  const packet = encodePacket(new Publish(message, 0, false, 0), version)
  const count = Math.floor(CHUNK_BYTES / packet.length)
  const chunk = Buffer.concat(Array.from({ length: count }, () => packet))

  report(`decode ${title}`, {
    ours: decodeOurs(chunk, count, version, (publish) => publish.message.payloadEnd),
    'ours, payload and properties looked at': decodeOurs(chunk, count, version, ({ message: decoded }) => {
      const { payload: view, properties: read } = decoded
      return view.length + (read.userProperties?.length ?? 0)
    }),
    'mqtt-packet': decodeTheirs(chunk, count, version),
  })
  report(`encode ${title}`, {
    'ours, into an output buffer': writeOurs(message, version, count),
    'ours, one buffer each': encodeOurs(message, version, count),
    'mqtt-packet': encodeTheirs(payload, properties, version, count),
  })
}

function decodeOurs(chunk: Buffer, count: number, version: ProtocolVersion, look: (publish: Publish) => number): Work {
  const decoder = new Decoder(Role.CLIENT, CHUNK_BYTES, version)
  const ignore = (): void => {}
  const receivePublish = (publish: Publish): void => {
    seen += look(publish)
  }
  const sink = { receivePublish, receiveAcknowledgement: ignore, receivePacket: ignore }
  return () => {
    decoder.push(chunk, sink)
    return count
  }
}

function decodeTheirs(chunk: Buffer, count: number, version: ProtocolVersion): Work {
  const reader = parser({ protocolVersion: version })
  reader.on('packet', (packet) => {
    seen += (packet as IPublishPacket).payload.length
  })
  return () => {
    reader.parse(chunk)
    return count
  }
}

function writeOurs(message: Message, version: ProtocolVersion, count: number): Work {
  const target = Buffer.alloc(CHUNK_BYTES + 4096)
  const header = new PublishHeader()
  header.version = version
  return () => {
    let offset = 0
    for (let i = 0; i < count; i++) {
      const remainingLength = publishRemainingLength(message, header)
      if (offset + publishBytes(remainingLength) > target.length) offset = 0
      offset = writePublish(message, header, remainingLength, target, offset)
    }
    seen += offset
    return count
  }
}

function encodeOurs(message: Message, version: ProtocolVersion, count: number): Work {
  const publish = new Publish(message, 0, false, 0)
  return () => {
    for (let i = 0; i < count; i++) seen += encodePacket(publish, version).length
    return count
  }
}

function encodeTheirs(
  payload: Buffer,
  { userProperties: pairs }: Properties,
  version: ProtocolVersion,
  count: number,
): Work {
  const packet: IPublishPacket = { cmd: 'publish', topic: TOPIC, payload, qos: 0, dup: false, retain: false }
  if (pairs !== undefined) packet.properties = { userProperties: Object.fromEntries(pairs) }
  const options = { protocolVersion: version }
  return () => {
    for (let i = 0; i < count; i++) seen += generate(packet, options).length
    return count
  }
}

function report(title: string, works: Readonly<Record<string, Work>>): void {
  const samples = new Map(Object.keys(works).map((name) => [name, [] as number[]]))
  for (let round = -2; round < ROUNDS; round++) {
    for (const [name, work] of Object.entries(works)) {
      const nanoseconds = timed(work)
      // the first rounds are for the compiler
      if (round >= 0) samples.get(name)!.push(nanoseconds)
    }
  }
  const theirs = median(samples.get('mqtt-packet')!)
  console.log(`\n${title}`)
  for (const [name, values] of samples) {
    const ours = median(values)
    const ratio = name === 'mqtt-packet' ? '' : `mqtt-packet takes ${(theirs / ours).toFixed(1)} times as long`
    console.log(`  ${name.padEnd(40)} ${ours.toFixed(0).padStart(7)} ns  ${ratio}`)
  }
}

/** @returns nanoseconds per packet */
function timed(work: Work): number {
  const start = performance.now()
  let count = 0
  let elapsedMs = 0
  while (elapsedMs < ROUND_MS) {
    count += work()
    elapsedMs = performance.now() - start
  }
  return (elapsedMs * 1e6) / count
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}
