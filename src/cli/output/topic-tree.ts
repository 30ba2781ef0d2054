import { isUtf8 } from 'node:buffer'
import type { Publish } from '../../codec/packets/publish.ts'
import type { LiveView } from './live-view.ts'
import { byteText } from './rate-view.ts'
import { oneLine } from './talk.ts'

/** Topics that are shown; messages on others are counted together. */
const MAXIMUM_TOPICS = 10_000
/** Payloads up to this size are kept and shown. */
const KEPT_PAYLOAD_BYTES = 1024

/** A level of the tree; `topic` is null where no message came. */
interface Level {
  readonly children: Map<string, Level>
  topic: Topic | null
  /** messages here and below */
  messages: number
}

interface Topic {
  readonly topicName: string
  messages: number
  bytes: number
  qos: number
  retain: boolean
  payload: Buffer
  payloadBytes: number
  isNew: boolean
}

/** All topics as a tree with counts and last payloads: `--tree`. */
export class TopicTree implements LiveView {
  readonly #root = newLevel()
  readonly #topics = new Map<string, Topic>()
  #fresh: Topic[] = []
  #messages = 0
  #bytes = 0
  #newMessages = 0
  #others = 0

  add({ message, qos }: Publish): void {
    this.#messages++
    this.#newMessages++
    this.#bytes += message.payloadBytes
    const topic = this.#topics.get(message.topicName) ?? this.#grow(message.topicName)
    if (topic === null) {
      this.#others++
      return
    }
    topic.messages++
    topic.bytes += message.payloadBytes
    topic.qos = qos
    topic.retain = message.retain
    topic.payloadBytes = message.payloadBytes
    topic.payload = Buffer.from(message.payload.subarray(0, KEPT_PAYLOAD_BYTES))
    if (!topic.isNew) this.#fresh.push(topic)
    topic.isNew = true
    let level = this.#root
    for (const name of message.topicName.split('/')) {
      level = level.children.get(name)!
      level.messages++
    }
  }

  json(seconds: number, now: Date): string | null {
    if (this.#newMessages === 0) return null
    const text = JSON.stringify({
      time: now.toISOString(),
      messages: this.#messages,
      bytes: this.#bytes,
      messagesPerSecond: this.#rate(seconds),
      topicCount: this.#topics.size,
      otherMessages: this.#others,
      topics: this.#fresh.map(describe),
    })
    this.#settle()
    return text
  }

  lines(seconds: number, columns: number, rows: number): string[] {
    const head = `${this.#messages} messages on ${this.#topics.size} topics, ${byteText(this.#bytes)}, ${this.#rate(seconds)}/s`
    const lines = [head]
    const hidden = this.#drawChildren(this.#root, '', lines, Math.max(2, rows - 1))
    if (hidden > 0) lines.push(`... and ${hidden} more`)
    this.#settle()
    return lines.map((line) => cut(line, columns))
  }

  #rate(seconds: number): number {
    return Math.round((this.#newMessages / seconds) * 10) / 10
  }

  #settle(): void {
    for (const topic of this.#fresh) topic.isNew = false
    this.#fresh = []
    this.#newMessages = 0
  }

  #grow(topicName: string): Topic | null {
    if (this.#topics.size >= MAXIMUM_TOPICS) return null
    const topic = newTopic(topicName)
    this.#topics.set(topicName, topic)
    let level = this.#root
    for (const name of topicName.split('/')) {
      const child = level.children.get(name) ?? newLevel()
      level.children.set(name, child)
      level = child
    }
    level.topic = topic
    return topic
  }

  // Returns how many levels found no room.
  #drawChildren(level: Level, indent: string, lines: string[], rows: number): number {
    let hidden = 0
    const children = [...level.children].sort(([a], [b]) => (a < b ? -1 : 1))
    for (const [i, [name, child]] of children.entries()) {
      const isLast = i === children.length - 1
      if (lines.length >= rows) hidden++
      else lines.push(`${indent}${isLast ? '└─' : '├─'} ${oneLine(name)}${detail(child)}`)
      hidden += this.#drawChildren(child, `${indent}${isLast ? '   ' : '│  '}`, lines, rows)
    }
    return hidden
  }
}

function newLevel(): Level {
  return { children: new Map(), topic: null, messages: 0 }
}

function newTopic(topicName: string): Topic {
  const payload = Buffer.alloc(0)
  return { topicName, messages: 0, bytes: 0, qos: 0, retain: false, payload, payloadBytes: 0, isNew: false }
}

function detail({ topic, messages }: Level): string {
  const count = ` (${messages})`
  if (topic === null) return count
  const text = isUtf8(topic.payload) ? oneLine(topic.payload.toString()) : `0x${topic.payload.toString('hex')}`
  return `${topic.isNew ? ' *' : ''}${topic.retain ? ' retained' : ''}${count} ${text}`
}

function describe(topic: Topic): object {
  const { topicName, messages, bytes, qos, retain, payload, payloadBytes } = topic
  const shown =
    payloadBytes > KEPT_PAYLOAD_BYTES
      ? {}
      : isUtf8(payload)
        ? { payload: payload.toString() }
        : { payloadBase64: payload.toString('base64') }
  return { topic: topicName, messages, bytes, qos, retain, payloadBytes, ...shown }
}

function cut(line: string, columns: number): string {
  const characters = [...line]
  return characters.length < columns ? line : `${characters.slice(0, columns - 2).join('')}…`
}
