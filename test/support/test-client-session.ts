import type { ControlPacket } from '../../src/codec/control-packet.ts'
import { Message, type MessageOptions } from '../../src/codec/message.ts'
import { Acknowledgement, type AcknowledgementType } from '../../src/codec/packets/acknowledgement.ts'
import { Connack } from '../../src/codec/packets/connack.ts'
import { Connect, type ConnectFields } from '../../src/codec/packets/connect.ts'
import type { Publish } from '../../src/codec/packets/publish.ts'
import type { SubscriptionRequest } from '../../src/codec/packets/subscribe.ts'
import { NO_PROPERTIES, type Properties } from '../../src/codec/property.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import type { QoS } from '../../src/codec/qos.ts'
import { ClientSession, type ClientSessionOwner } from '../../src/session/client-session.ts'
import { MessageQueue, OverflowPolicy } from '../../src/session/message-queue.ts'
import type { ClientBounds } from '../../src/session/server-terms.ts'
import { SessionState } from '../../src/session/session-state.ts'
import { RecordingOutput } from './recording-output.ts'

const PLENTY = Number.MAX_SAFE_INTEGER

/** What a test session is made of, beside the defaults. */
export interface TestClientOptions {
  readonly holdsSession?: boolean
  readonly bounds?: Partial<ClientBounds>
  readonly maximumQueuedBytes?: number
}

/** A topic filter as a request with the default options. */
export function filter(topicFilter: string, qos: QoS = 0): SubscriptionRequest {
  return { topicFilter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 }
}

/** A ClientSession whose owner writes down what it hears, on a clock that the test moves. */
export class TestClientSession {
  readonly session: ClientSession
  output = new RecordingOutput()
  nowMs = 0
  /** called after each entry of {@link takeHeard} was written */
  onHeard: ((line: string) => void) | null = null
  #heard: string[] = []

  constructor({ holdsSession = false, bounds = {}, maximumQueuedBytes = PLENTY }: TestClientOptions = {}) {
    const queue = () => new MessageQueue(PLENTY, maximumQueuedBytes, OverflowPolicy.REJECT_NEWEST)
    const all = { maximumInFlight: 65_535, maximumTopicAliases: 0, ...bounds }
    this.session = new ClientSession(new SessionState('id', null, queue()), queue(), this.#owner(), all, holdsSession)
  }

  /** What the owner was told since the last call. */
  takeHeard(): string[] {
    const heard = this.#heard
    this.#heard = []
    return heard
  }

  /** Begins a connection. @returns what was sent */
  connect(fields: Partial<ConnectFields> = {}): string[] {
    this.session.connectionLost()
    this.output = new RecordingOutput()
    const defaults = { version: ProtocolVersion.V5, clientId: 'id', cleanStart: true, keepAliveSeconds: 0 }
    this.session.connect(this.output, new Connect({ ...defaults, ...fields }))
    return this.output.take()
  }

  /** Begins a connection that the Server accepts. @returns what was sent after CONNECT */
  connected(fields: Partial<ConnectFields> = {}, granted: Properties = {}, sessionPresent = false): string[] {
    this.connect(fields)
    return this.receive(new Connack(sessionPresent, 0, granted))
  }

  receive(packet: ControlPacket): string[] {
    this.session.receivePacket(packet, this.nowMs)
    return this.output.take()
  }

  receivePublish(publish: Publish): string[] {
    this.session.receivePublish(publish, this.nowMs)
    return this.output.take()
  }

  acknowledge(packetType: AcknowledgementType, packetId: number, code = 0, properties = NO_PROPERTIES): string[] {
    this.session.receiveAcknowledgement(new Acknowledgement(packetType, packetId, code, properties), this.nowMs)
    return this.output.take()
  }

  /** Publishes to the topic `t`; the token is the payload. */
  publish(payload: string, qos: QoS, options: MessageOptions = {}): string[] {
    this.session.publish(Message.create('t', payload, { ...options, qos }), payload, this.nowMs)
    return this.output.take()
  }

  subscribe(requests: readonly SubscriptionRequest[], properties: Properties = NO_PROPERTIES): string[] {
    this.session.subscribe(requests, properties, requests.map(({ topicFilter }) => topicFilter).join())
    return this.output.take()
  }

  unsubscribe(topicFilters: readonly string[]): string[] {
    this.session.unsubscribe(topicFilters, NO_PROPERTIES, topicFilters.join())
    return this.output.take()
  }

  #hear(line: string): void {
    this.#heard.push(line)
    this.onHeard?.(line)
  }

  #owner(): ClientSessionOwner {
    return {
      connected: ({ sessionPresent }) => this.#hear(`connected${sessionPresent ? ' present' : ''}`),
      refused: (connack) => this.#hear(`refused ${hex(connack.code)}`),
      message: ({ message, qos }) => this.#hear(`message ${message.topicName} ${message.payload} q${qos}`),
      publishDone: (token, code, properties) => this.#hear(`done ${token} ${hex(code)}${reason(properties)}`),
      subscribed: (token, topicFilters, { codes, properties }) => {
        const what = token === null ? 'resubscribed' : 'subscribed'
        this.#hear(`${what} ${topicFilters} ${codes.map(hex)}${reason(properties)}`)
      },
      unsubscribed: (token, { codes }) => this.#hear(`unsubscribed ${token} ${codes.map(hex)}`),
      requestAbandoned: (token) => this.#hear(`abandoned ${token}`),
      disconnected: ({ reasonCode }) => this.#hear(`disconnected ${hex(reasonCode)}`),
      authenticated: () => true,
      authRequested: ({ reasonCode }) => this.#hear(`auth ${hex(reasonCode)}`),
    }
  }
}

function reason({ reasonString }: Properties): string {
  return reasonString === undefined ? '' : ` ${reasonString}`
}

function hex(code: number): string {
  return code < 0 ? `${code}` : `0x${code.toString(16).padStart(2, '0')}`
}
