/**
 * A store as JSON lines: what is on a line, for both directions. A session comes first, then its will and its messages in the
 * order in which they go out; retained messages come last. Bytes that are no UTF-8 stand in base64 under a name that says so, as
 * in `sub --json`.
 */
import { isUtf8 } from 'node:buffer'
import type { Message } from '../../codec/message.ts'
import type { Properties } from '../../codec/property.ts'

/** A session and its subscriptions. */
export interface SessionLine {
  readonly kind: 'session'
  readonly clientId: string
  /** user name that it belongs to; null: anonymous */
  readonly owner: string | null
  /** 4294967295: never */
  readonly sessionExpiryIntervalSeconds: number
  /** when its connection ended; null: it was open */
  readonly disconnectedAt: string | null
  readonly subscriptions: readonly object[]
  /** Packet Identifiers of QoS 2 messages from the client that it has not released */
  readonly incomingQos2: readonly number[]
}

/** The will of the session on the line before it. */
export interface WillLine extends MessageFields {
  readonly kind: 'will'
  readonly clientId: string
  readonly delaySeconds: number
  readonly restartDelaySeconds: number
}

/** A message that waits for a session, or is on its way to it. */
export interface DeliveryLine extends MessageFields {
  readonly kind: 'message'
  readonly clientId: string
  /** QoS and RETAIN as it goes out; beside them stand those of its publisher */
  readonly deliveryQos: number
  readonly deliveryRetain: boolean
  readonly subscriptionIdentifiers?: readonly number[]
  readonly sharedSubscription?: string
  /** absent: it has not been sent yet */
  readonly exchange?: { readonly awaits: string; readonly packetId: number; readonly receivedCode?: number }
}

/** A retained message. */
export interface RetainedLine extends MessageFields {
  readonly kind: 'retained'
}

export type StoreLine = SessionLine | WillLine | DeliveryLine | RetainedLine

/** What is told of a message. */
export interface MessageFields {
  readonly topic: string
  readonly payload?: string
  readonly payloadBase64?: string
  readonly qos: number
  readonly retain: boolean
  readonly properties?: object
  /** Client Identifier; absent: the server itself */
  readonly publisher?: string
  readonly arrivedAt?: string
  /** place in the order of arrival */
  readonly sequence?: number
}

/** @param message with arrival in ms since 1970; 0: it has not arrived, as a will */
export function describeMessage(message: Message): MessageFields {
  const { publisher, arrivedAtMs, sequence } = message
  const properties = describeProperties(message.properties)
  return {
    topic: message.topicName,
    ...textOrBase64('payload', message.payload),
    qos: message.qos,
    retain: message.retain,
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
    ...(publisher === null ? {} : { publisher }),
    ...(arrivedAtMs === 0 ? {} : { arrivedAt: new Date(arrivedAtMs).toISOString() }),
    ...(sequence === 0 ? {} : { sequence }),
  }
}

function describeProperties({ correlationData, ...others }: Properties): object {
  return correlationData === undefined ? others : { ...others, ...textOrBase64('correlationData', correlationData) }
}

function textOrBase64(name: string, bytes: Buffer): Record<string, string> {
  return isUtf8(bytes) ? { [name]: bytes.toString() } : { [`${name}Base64`]: bytes.toString('base64') }
}
