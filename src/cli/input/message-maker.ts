import { isUtf8 } from 'node:buffer'
import type { Message } from '../../codec/message.ts'
import { UsageError } from '../failure.ts'
import { ValueError } from '../options/option-row.ts'
import { topicName as topicNameKind } from '../options/values.ts'
import { filled } from './filled-template.ts'
import { type JsonDefaults, readJsonMessage } from './json-message.ts'
import type { MessageMaker } from './message-source.ts'
import { withPayload } from './message-template.ts'
import { maximumPayloadBytes } from './one-payload.ts'

/** How payloads are written in messages. */
export type Encoding = 'hex' | 'base64'

/** Makes messages in another way than taking each payload as it is. */
export interface MakerOptions {
  /** fill placeholders in payload and topic */
  readonly isTemplate: boolean
  /** after that */
  readonly encoding: Encoding | undefined
  /** between topic and payload; undefined: the topic is that of the template */
  readonly topicSeparator: string | undefined
}

/** A maker for payloads that become something else. @param template topic and all else but the payload */
export function messageMaker(template: Message, { isTemplate, encoding, topicSeparator }: MakerOptions): MessageMaker {
  const separator = topicSeparator === undefined ? null : Buffer.from(topicSeparator)
  return inMessage((bytes, index) => {
    const { topicName, payload } =
      separator === null ? { topicName: template.topicName, payload: bytes } : cut(bytes, separator)
    const now = new Date()
    const fill = (text: string): string => (isTemplate ? filled(text, index, now) : text)
    // as latin1 every byte is a character, and what is filled in is ASCII
    const content = isTemplate ? Buffer.from(fill(payload.toString('latin1')), 'latin1') : payload
    const encoded = encoding === undefined ? content : Buffer.from(content.toString(encoding))
    return withTopic(withPayload(template, encoded), fill(topicName))
  })
}

/** A maker for lines that `sub --json` wrote. @param received told the time of each, before it is a message */
export function jsonMessageMaker(defaults: JsonDefaults, received: (atMs: number | null) => void): MessageMaker {
  return inMessage((line) => {
    const { message, receivedAtMs } = readJsonMessage(line, defaults)
    received(receivedAtMs)
    return message
  })
}

function inMessage(make: MessageMaker): MessageMaker {
  return (bytes, index) => {
    try {
      const message = make(bytes, index)
      if (maximumPayloadBytes(message) < 0) throw new ValueError('a message that is not larger than MQTT allows')
      return message
    } catch (error) {
      if (error instanceof ValueError) throw new UsageError(`message ${index}: expected ${error.message}`)
      throw error
    }
  }
}

function cut(bytes: Buffer, separator: Buffer): { topicName: string; payload: Buffer } {
  const at = bytes.indexOf(separator)
  if (at < 0) throw new ValueError(`TOPIC${separator}PAYLOAD, not ${JSON.stringify(bytes.toString('utf8', 0, 80))}`)
  if (!isUtf8(bytes.subarray(0, at))) throw new ValueError('a topic that is UTF-8')
  return { topicName: bytes.toString('utf8', 0, at), payload: bytes.subarray(at + separator.length) }
}

function withTopic(message: Message, topicName: string): Message {
  if (topicName === message.topicName) return message
  return message.withTopic(topicNameKind.read(topicName), Buffer.from(topicName))
}
