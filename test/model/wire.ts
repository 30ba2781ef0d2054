/**
 * The bytes of MQTT once more, for the model test alone: what clients send is encoded, what servers send is decoded. It
 * shares nothing with the codec under test, so that one mistake is not made twice. Text and bytes are both strings here
 * (bytes as latin1), so that whatever a test does can be written down as JSON.
 */

export type Version = 3 | 4 | 5
export type QoS = 0 | 1 | 2

/** Properties of 5.0 by name; lists for what may stand more than once. */
export interface Properties {
  payloadFormat?: number
  messageExpiry?: number
  contentType?: string
  responseTopic?: string
  correlationData?: string
  subscriptionIdentifiers?: number[]
  sessionExpiry?: number
  assignedClientId?: string
  serverKeepAlive?: number
  authenticationMethod?: string
  requestProblemInformation?: number
  willDelay?: number
  requestResponseInformation?: number
  responseInformation?: string
  serverReference?: string
  reasonString?: string
  receiveMaximum?: number
  topicAliasMaximum?: number
  topicAlias?: number
  maximumQos?: number
  retainAvailable?: number
  userProperties?: [string, string][]
  maximumPacketBytes?: number
}

export interface ConnectPacket {
  readonly type: 'CONNECT'
  readonly version: Version
  /** bit 7 of the level */
  readonly bridge: boolean
  readonly clientId: string
  readonly cleanStart: boolean
  readonly keepAlive: number
  readonly userName: string | null
  readonly will: WillFields | null
  readonly properties: Properties
}

export interface WillFields {
  readonly topic: string
  readonly payload: string
  readonly qos: QoS
  readonly retain: boolean
  readonly properties: Properties
}

export interface PublishPacket {
  readonly type: 'PUBLISH'
  readonly topic: string
  readonly payload: string
  readonly qos: QoS
  readonly dup: boolean
  readonly retain: boolean
  /** 0 at QoS 0 */
  readonly id: number
  readonly properties: Properties
}

export type AcknowledgementType = 'PUBACK' | 'PUBREC' | 'PUBREL' | 'PUBCOMP'

export interface AcknowledgementPacket {
  readonly type: AcknowledgementType
  readonly id: number
  readonly code: number
}

export interface FilterFields {
  readonly filter: string
  readonly qos: QoS
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: 0 | 1 | 2
}

export interface SubscribePacket {
  readonly type: 'SUBSCRIBE'
  readonly id: number
  readonly filters: readonly FilterFields[]
  /** 0 for none */
  readonly identifier: number
}

export type ClientPacket =
  | ConnectPacket
  | PublishPacket
  | AcknowledgementPacket
  | {
      readonly type: 'SUBSCRIBE'
      readonly id: number
      readonly filters: readonly FilterFields[]
      readonly identifier: number
    }
  | { readonly type: 'UNSUBSCRIBE'; readonly id: number; readonly filters: readonly string[] }
  | { readonly type: 'PINGREQ' }
  | { readonly type: 'DISCONNECT'; readonly code: number; readonly properties: Properties }

export type ServerPacket =
  | {
      readonly type: 'CONNACK'
      readonly sessionPresent: boolean
      readonly code: number
      readonly properties: Properties
    }
  | PublishPacket
  | AcknowledgementPacket
  | { readonly type: 'SUBACK' | 'UNSUBACK'; readonly id: number; readonly codes: readonly number[] }
  | { readonly type: 'PINGRESP' }
  | { readonly type: 'DISCONNECT'; readonly code: number; readonly properties: Properties }

/** Packet types by number. */
export const TYPES = [
  '',
  'CONNECT',
  'CONNACK',
  'PUBLISH',
  'PUBACK',
  'PUBREC',
  'PUBREL',
  'PUBCOMP',
  'SUBSCRIBE',
  'SUBACK',
  'UNSUBSCRIBE',
  'UNSUBACK',
  'PINGREQ',
  'PINGRESP',
  'DISCONNECT',
  'AUTH',
]

/** How a property is encoded. */
export type Kind = 'byte' | 'uint16' | 'uint32' | 'varint' | 'string' | 'binary' | 'pair'

/** Identifier, encoding, and the packets of a server in which the property may stand. */
export const PROPERTIES: Record<
  keyof Properties,
  readonly [id: number, kind: Kind, inServerPackets: readonly string[]]
> = {
  payloadFormat: [1, 'byte', ['PUBLISH']],
  messageExpiry: [2, 'uint32', ['PUBLISH']],
  contentType: [3, 'string', ['PUBLISH']],
  responseTopic: [8, 'string', ['PUBLISH']],
  correlationData: [9, 'binary', ['PUBLISH']],
  subscriptionIdentifiers: [11, 'varint', ['PUBLISH']],
  sessionExpiry: [17, 'uint32', ['CONNACK']],
  assignedClientId: [18, 'string', ['CONNACK']],
  serverKeepAlive: [19, 'uint16', ['CONNACK']],
  authenticationMethod: [21, 'string', ['CONNACK']],
  requestProblemInformation: [23, 'byte', []],
  willDelay: [24, 'uint32', []],
  requestResponseInformation: [25, 'byte', []],
  responseInformation: [26, 'string', ['CONNACK']],
  serverReference: [28, 'string', ['CONNACK', 'DISCONNECT']],
  reasonString: [
    31,
    'string',
    ['CONNACK', 'PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP', 'SUBACK', 'UNSUBACK', 'DISCONNECT'],
  ],
  receiveMaximum: [33, 'uint16', ['CONNACK']],
  topicAliasMaximum: [34, 'uint16', ['CONNACK']],
  topicAlias: [35, 'uint16', ['PUBLISH']],
  maximumQos: [36, 'byte', ['CONNACK']],
  retainAvailable: [37, 'byte', ['CONNACK']],
  userProperties: [
    38,
    'pair',
    ['CONNACK', 'PUBLISH', 'PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP', 'SUBACK', 'UNSUBACK', 'DISCONNECT'],
  ],
  maximumPacketBytes: [39, 'uint32', ['CONNACK']],
}
export const PROPERTY_NAMES = Object.keys(PROPERTIES) as (keyof Properties)[]
