import { isUtf8 } from 'node:buffer'
import { PacketType } from '../../codec/packet-type.ts'
import type { InspectedPacket } from '../inspected-packet.ts'
import { type Compression, compressionOf, inflate } from './compressed.ts'
import { PayloadError, type PayloadKind, type PayloadValue } from './payload-value.ts'
import { isReadable, plainValue } from './plain-value.ts'
import { decodeSparkplug, plainSparkplug, type SparkplugTopic, sparkplugTopic } from './sparkplug.ts'
import { SparkplugNodes } from './sparkplug-nodes.ts'
import { readStructured, recogniseStructured } from './structured.ts'

/** Longer payloads are shown as they are: nobody reads what they say. */
const MAXIMUM_DECODED_BYTES = 16 * 1024 * 1024
/** Compressed data may be compressed again, this often. */
const MAXIMUM_COMPRESSIONS = 2

/** From bytes to a message of a .proto file; throws for bytes that are none. */
export type ProtobufDecoder = (bytes: Buffer) => unknown

/** What is known about a payload beside its bytes. */
interface Circumstances {
  readonly topic: SparkplugTopic | null
  readonly contentType: string | undefined
}

type ShownKind = PayloadValue['kind']
/** Kinds that may turn out to be none. */
type DecodedKind = Exclude<ShownKind, 'text' | 'hex' | 'base64'>
type ReadValue = (payload: Buffer, circumstances: Circumstances) => unknown

const NOTHING_KNOWN: Circumstances = { topic: null, contentType: undefined }

/**
 * Reads payloads as what was asked for, or finds out what they are: what the topic and the content type say, compression and
 * formats that are hardly met by chance, text. Never throws; what is not of its kind is shown in hex or as text, and why.
 * It remembers what Sparkplug's BIRTH messages say, so it has to see every packet, in order: {@link see}.
 */
export class PayloadReader {
  readonly #kind: PayloadKind
  readonly #nodes = new SparkplugNodes()
  readonly #readers: Readonly<Record<DecodedKind, ReadValue>>

  /** @param protobuf null: no .proto file was given */
  constructor(kind: PayloadKind, protobuf: ProtobufDecoder | null = null) {
    this.#kind = kind
    this.#readers = {
      json: readJson,
      cbor: (payload) => readStructured(payload, 'cbor'),
      msgpack: (payload) => readStructured(payload, 'msgpack'),
      gzip: (payload) => this.#inflated(payload, 'gzip', 1),
      zlib: (payload) => this.#inflated(payload, 'zlib', 1),
      sparkplug: (payload, { topic }) => plainSparkplug(decodeSparkplug(payload), topic, this.#nodes.metricsOf(topic)),
      protobuf: (payload) => {
        if (protobuf === null) throw new PayloadError('no .proto file is given')
        return plainValue(protobuf(payload))
      },
    }
  }

  /** Looks at a packet whose payload may matter for those behind it. */
  see(inspected: InspectedPacket): void {
    const { packet } = inspected
    if (packet?.packetType !== PacketType.PUBLISH) return
    if (this.#kind !== 'auto' && this.#kind !== 'sparkplug') return
    const topic = sparkplugTopic(inspected.topicName ?? '')
    if (topic === null || !topic.message.endsWith('BIRTH')) return
    try {
      this.#nodes.learn(topic, decodeSparkplug(packet.message.payload))
    } catch (error) {
      // whoever shows it is told
      if (!(error instanceof PayloadError)) throw error
    }
  }

  /** The payload of a PUBLISH, or of the will of a CONNECT; null when the packet has neither, or could not be read. */
  read({ packet, topicName }: InspectedPacket): PayloadValue | null {
    if (packet?.packetType === PacketType.PUBLISH) {
      const topic = sparkplugTopic(topicName ?? '')
      return this.readBytes(packet.message.payload, { topic, contentType: packet.message.properties.contentType })
    }
    if (packet?.packetType !== PacketType.CONNECT || packet.will === null) return null
    const { topicName: willTopic, payload, properties } = packet.will
    return this.readBytes(payload, { topic: sparkplugTopic(willTopic), contentType: properties.contentType })
  }

  readBytes(payload: Buffer, circumstances = NOTHING_KNOWN): PayloadValue {
    const kind = this.#kind
    if (kind === 'auto') return this.#recognise(payload, circumstances, MAXIMUM_COMPRESSIONS)
    if (kind === 'hex' || kind === 'base64') return { kind, value: payload.toString(kind) }
    if (kind === 'text') return isUtf8(payload) ? { kind, value: payload.toString() } : asItIs(payload)
    return this.#readAs(kind, payload, circumstances)
  }

  #readAs(kind: DecodedKind, payload: Buffer, circumstances: Circumstances): PayloadValue {
    if (payload.length > MAXIMUM_DECODED_BYTES) {
      return { ...asItIs(payload), problem: `not looked into: more than ${MAXIMUM_DECODED_BYTES} bytes` }
    }
    try {
      return { kind, value: this.#readers[kind](payload, circumstances) }
    } catch (error) {
      return { ...asItIs(payload), problem: `no ${kindNames[kind]}: ${(error as Error).message}` }
    }
  }

  #recognise(payload: Buffer, circumstances: Circumstances, compressions: number): PayloadValue {
    const { topic, contentType } = circumstances
    if (payload.length > MAXIMUM_DECODED_BYTES || payload.length === 0) return asItIs(payload)
    const declared = topic !== null ? 'sparkplug' : declaredKind(contentType)
    if (declared !== null) {
      const read = this.#readAs(declared, payload, circumstances)
      if (read.problem === undefined) return read
      return {
        ...this.#guess(payload, compressions),
        problem: `${read.problem}; ${topic === null ? 'the content type says so' : 'the topic says so'}`,
      }
    }
    return this.#guess(payload, compressions)
  }

  #guess(payload: Buffer, compressions: number): PayloadValue {
    const compression = compressions > 0 ? compressionOf(payload) : null
    if (compression !== null) {
      try {
        return { kind: compression, value: this.#inflated(payload, compression, compressions) }
      } catch (error) {
        if (!(error instanceof PayloadError)) throw error
        // a magic number of three bytes is no chance; one of two may be
        if (compression === 'gzip') return { ...asItIs(payload), problem: `begins like gzip, but: ${error.message}` }
      }
    }
    if (isUtf8(payload)) return asText(payload)
    return recogniseStructured(payload) ?? asItIs(payload)
  }

  #inflated(payload: Buffer, compression: Compression, compressions: number): PayloadValue {
    return this.#recognise(inflate(payload, compression), NOTHING_KNOWN, compressions - 1)
  }
}

/** How kinds are called in messages. */
export const kindNames: Readonly<Record<ShownKind, string>> = {
  text: 'text',
  json: 'JSON',
  cbor: 'CBOR',
  msgpack: 'MessagePack',
  gzip: 'gzip',
  zlib: 'zlib',
  sparkplug: 'Sparkplug B',
  protobuf: 'protobuf',
  hex: 'hex',
  base64: 'base64',
}

const contentTypes: readonly (readonly [RegExp, 'json' | 'cbor' | 'msgpack' | 'gzip' | 'zlib'])[] = [
  [/^(?:application|text)\/(?:[\w.-]+\+)?json$/, 'json'],
  [/^application\/(?:[\w.-]+\+)?cbor$/, 'cbor'],
  [/^application\/(?:x-|vnd\.|[\w.-]+\+)?(?:msgpack|messagepack)$/, 'msgpack'],
  [/^application\/(?:x-)?gzip$/, 'gzip'],
  [/^application\/(?:x-)?(?:zlib|deflate)$/, 'zlib'],
]

function declaredKind(contentType: string | undefined): (typeof contentTypes)[number][1] | null {
  if (contentType === undefined) return null
  const bare = contentType.split(';')[0]!.trim().toLowerCase()
  return contentTypes.find(([pattern]) => pattern.test(bare))?.[1] ?? null
}

function readJson(payload: Buffer): unknown {
  if (!isUtf8(payload)) throw new PayloadError('it is no UTF-8')
  return JSON.parse(payload.toString())
}

// JSON of an object or a list is told apart from text; a number or a word alone is as good as text.
function asText(payload: Buffer): PayloadValue {
  const text = payload.toString()
  if (/^\s*[{[]/.test(text)) {
    try {
      return { kind: 'json', value: JSON.parse(text) }
    } catch {
      // it only looks like JSON: shown as the text it is
    }
  }
  return asItIs(payload)
}

function asItIs(payload: Buffer): PayloadValue {
  const text = isUtf8(payload) ? payload.toString() : null
  if (text !== null && isReadable(text)) return { kind: 'text', value: text }
  return { kind: 'hex', value: payload.toString('hex') }
}
