import { Role } from '../../codec/packet-type.ts'
import { captureHeader } from '../../insight/pcapng.ts'
import { CapturedConversation } from '../../insight/tcp-capture.ts'
import type { EncodedPacket } from '../input/json-packet.ts'
import type { PacketWriter } from './packet-writer.ts'

/** Connections that may be open at a time; with more the one that was opened first is ended. */
const MAXIMUM_CONNECTIONS = 60_000
const FIRST_CLIENT_PORT = 1024
const SERVER = '10.0.0.2:1883'
const CLIENT_IP = '10.0.0.1'
/** Between packets that do not say when they were. */
const STEP_MS = 1

/** A pcapng file with a made-up TCP connection for each stream; packets without a time follow each other by a millisecond. */
export class CaptureWriter implements PacketWriter {
  readonly #conversations = new Map<number, CapturedConversation>()
  #blocks: Buffer[] = []
  #lastMs = -STEP_MS

  begin(): Buffer {
    return captureHeader('mqtt-kit inspect encode: addresses, ports and TCP are made up')
  }

  packet({ bytes, sender, stream, timeSeconds }: EncodedPacket): Buffer {
    this.#lastMs = timeSeconds === null ? this.#lastMs + STEP_MS : timeSeconds * 1000
    this.#conversationOf(stream ?? 0).say(sender === Role.CLIENT, bytes, this.#lastMs)
    return this.#taken()
  }

  end(): Buffer {
    for (const conversation of this.#conversations.values()) this.#finish(conversation)
    return this.#taken()
  }

  #conversationOf(stream: number): CapturedConversation {
    const known = this.#conversations.get(stream)
    if (known !== undefined) return known
    if (this.#conversations.size >= MAXIMUM_CONNECTIONS) {
      const [[oldest, conversation]] = this.#conversations as unknown as [[number, CapturedConversation]]
      this.#finish(conversation)
      this.#conversations.delete(oldest)
    }
    const client = `${CLIENT_IP}:${FIRST_CLIENT_PORT + (stream % MAXIMUM_CONNECTIONS)}`
    const ends = { remoteAddress: client, localAddress: SERVER }
    const made = new CapturedConversation({ add: (block) => this.#blocks.push(block) }, ends, this.#lastMs)
    this.#conversations.set(stream, made)
    return made
  }

  #finish(conversation: CapturedConversation): void {
    for (const byClient of [true, false]) conversation.end(byClient, this.#lastMs)
  }

  #taken(): Buffer {
    const bytes = Buffer.concat(this.#blocks)
    this.#blocks = []
    return bytes
  }
}
