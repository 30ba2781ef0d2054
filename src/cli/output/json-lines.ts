import { isUtf8 } from 'node:buffer'
import type { Publish } from '../../codec/packets/publish.ts'
import type { Properties } from '../../codec/property.ts'
import type { ByteTarget, MessageFormat } from './message-format.ts'

/**
 * One JSON object per message and line: `{"topic","payload"|"payloadBase64","qos","retain","dup","packetId","properties",
 * "receivedAt"}`. Nothing is lost: bytes that are no UTF-8 stand in base64, here and in `correlationDataBase64`.
 */
export class JsonLinesFormat implements MessageFormat {
  readonly #now: () => Date

  constructor(now: () => Date) {
    this.#now = now
  }

  append(publish: Publish, target: ByteTarget): void {
    target.text(`${JSON.stringify(this.#describe(publish))}\n`)
  }

  #describe(publish: Publish): Record<string, unknown> {
    const { message } = publish
    return {
      topic: message.topicName,
      ...textOrBase64('payload', message.payload),
      qos: publish.qos,
      retain: message.retain,
      dup: publish.dup,
      packetId: publish.packetId === 0 ? null : publish.packetId,
      properties: describeProperties(message.properties, publish.subscriptionIdentifiers),
      receivedAt: this.#now().toISOString(),
    }
  }
}

/** Properties as JSON has them: bytes that are no UTF-8 in base64. */
export function describeProperties(properties: Properties, subscriptionIdentifiers: readonly number[] | null): object {
  const { correlationData, ...others } = properties
  return {
    ...others,
    ...(correlationData === undefined ? {} : textOrBase64('correlationData', correlationData)),
    ...(subscriptionIdentifiers === null ? {} : { subscriptionIdentifiers }),
  }
}

function textOrBase64(name: string, bytes: Buffer): Record<string, string> {
  return isUtf8(bytes) ? { [name]: bytes.toString() } : { [`${name}Base64`]: bytes.toString('base64') }
}
