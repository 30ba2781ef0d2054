import { describe, expect, it } from 'vitest'
import { ClientErrorKind } from '../../src/client/client-error.ts'
import { PacketType, Role } from '../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { isReasonCodeAllowed } from '../../src/codec/reason-code.ts'
import { type ViolationName, violations } from '../../src/codec/violation.ts'
import { tableViolations } from '../vectors/violations/by-table.ts'
import type { ViolationVector } from '../vectors/violations/violation-vector.ts'
import { violationVectors } from '../vectors/violations/violations.ts'
import { decodeChunks } from './decoding.ts'
import { describePacket } from './recording-output.ts'
import { ScriptedBroker } from './scripted-broker.ts'
import { startBroker } from './test-broker.ts'
import { TestClient } from './test-client.ts'

const { CONNECT, CONNACK, DISCONNECT } = PacketType
const { V5 } = ProtocolVersion

/** A broken packet as a receiver in one version sees it. */
interface Case {
  /** ids and sentence */
  readonly title: string
  readonly bytes: Buffer
  /** the one that the receiver cites; null where the standard has none */
  readonly statement: string | null
  readonly reasonCode: number
  /** known level, or none: answered with the CONNACK of 3.1.1 */
  readonly isUnsupportedLevel: boolean
  readonly maximumPacketBytes: number | null
}

/**
 * Sends every broken packet of the vectors to a broker, over a socket: a 5.0 client is told the Reason Code, any other just
 * closed. Titles begin with the statements.
 */
export function describeBrokenPacketsOnBroker(version: ProtocolVersion): void {
  describe('the broker', () => {
    for (const one of casesFor(Role.CLIENT, version)) it(one.title, () => sendToBroker(one, version))
  })
}

/**
 * Sends every broken packet of the vectors to a client, over a socket: the client tells a 5.0 server the Reason Code, and
 * closes. Titles begin with the statements.
 */
export function describeBrokenPacketsOnClient(version: ProtocolVersion): void {
  describe('the client', () => {
    for (const one of casesFor(Role.SERVER, version)) it(one.title, () => sendToClient(one, version))
  })
}

async function sendToBroker(one: Case, version: ProtocolVersion): Promise<void> {
  const { bytes, statement, reasonCode, isUnsupportedLevel } = one
  const { open, client } = await startBroker()
  const packetType = bytes[0]! >> 4
  const raw = packetType === CONNECT ? await open(version) : await client({ version })
  const before = raw.received.length
  raw.sendBytes(bytes)
  await raw.closed()

  if (isUnsupportedLevel) expect(raw.received.toString('hex')).toBe('20020001')
  // a reserved connect flag is answered by silence in 5.0 too (semantics C-04)
  else if (version !== V5 || statement === 'MQTT-3.1.2-3') expect(raw.received.length).toBe(before)
  else
    expect(raw.waiting.map(describePacket)).toEqual([
      `${packetType === CONNECT ? 'CONNACK' : 'DISCONNECT'} ${code(reasonCode)}`,
    ])
}

async function sendToClient(one: Case, version: ProtocolVersion): Promise<void> {
  const { bytes, statement, reasonCode, maximumPacketBytes } = one
  const broker = await ScriptedBroker.start()
  const connectProperties = maximumPacketBytes === null ? {} : { maximumPacketBytes }
  const { client, closed } = new TestClient(broker.address, { version, connectProperties })
  client.connect().catch(() => {})
  const peer = await broker.connection()
  const isFirst = bytes[0]! >> 4 === CONNACK
  if (isFirst) await peer.expect(CONNECT)
  else await peer.accept()
  peer.sendBytes(bytes)

  const allowed = isReasonCodeAllowed(DISCONNECT, reasonCode, Role.CLIENT) ? reasonCode : 0x82
  expect(await peer.rest()).toEqual(version === V5 && !isFirst ? [`DISCONNECT ${code(allowed)}`] : [])
  expect(await closed).toMatchObject({ kind: ClientErrorKind.PROTOCOL, cause: { statement } })
}

function code(reasonCode: number): string {
  return `0x${reasonCode.toString(16)}`
}

function casesFor(sender: Role, version: ProtocolVersion): Case[] {
  const written = violationVectors.flatMap((vector) => writtenCase(vector, sender, version))
  return version === V5 ? [...written, ...tableCases(sender)] : written
}

// Vectors are written for one sender; where the other one breaks the same rule with the same bytes, it is tried too.
function writtenCase(vector: ViolationVector, sender: Role, version: ProtocolVersion): Case[] {
  const { violation, bytes, beforeConnect = false, maximumPacketBytes = null } = vector
  const statement = statementOf(vector, version)
  // a receiver waits for the rest, or has a limit of its own that a test of limits shows
  if (statement === undefined || violation === 'STREAM_ENDS_INSIDE_PACKET') return []
  if (maximumPacketBytes !== null && sender === Role.CLIENT) return []
  // before CONNECT nobody is told anything: tests of the first packet show it
  if (beforeConnect && bytes[0]! >> 4 !== CONNECT) return []
  if (vector.sender !== sender && !breaksTheSame(vector, sender, version, statement)) return []
  return [
    {
      title: `${idsOf(vector, statement, version, sender)}refuses ${vector.title}`,
      bytes,
      statement,
      reasonCode: vector.reasonCode ?? violations[violation].reasonCode,
      isUnsupportedLevel: violation === 'PROTOCOL_LEVEL_UNSUPPORTED',
      maximumPacketBytes,
    },
  ]
}

function tableCases(sender: Role): Case[] {
  const ofSender = tableViolations.filter(({ senders }) => senders.includes(sender))
  return ofSender.map(({ title, statement, bytes, reasonCode }) => ({
    title: `[${statement}] refuses ${title}`,
    bytes,
    statement: statement.split(', ').at(-1)!,
    reasonCode,
    isUnsupportedLevel: false,
    maximumPacketBytes: null,
  }))
}

function statementOf({ v31, v311, v5 }: ViolationVector, version: ProtocolVersion): string | null | undefined {
  if (version === V5) return v5
  return version === ProtocolVersion.V3_1 ? v31 : v311
}

function breaksTheSame(
  vector: ViolationVector,
  sender: Role,
  version: ProtocolVersion,
  statement: string | null,
): boolean {
  if (vector.beforeConnect === true) return false
  const { violation } = decodeChunks([vector.bytes], { sender, version })
  return violation?.violation === vector.violation && violation.statement === statement
}

/** The broker's behaviour that a violation is about. */
const behaviours: Partial<Record<ViolationName, string>> = {
  VARIABLE_BYTE_INTEGER_TOO_LONG: 'B-01',
  VARIABLE_BYTE_INTEGER_NOT_SHORTEST: 'B-02',
  PACKET_TYPE_RESERVED: 'B-03',
  FLAGS_INVALID: 'B-04',
  PUBREL_FLAGS_INVALID: 'B-04',
  SUBSCRIBE_FLAGS_INVALID: 'B-04',
  UNSUBSCRIBE_FLAGS_INVALID: 'B-04',
  DISCONNECT_FLAGS_INVALID: 'B-04',
  AUTH_FLAGS_INVALID: 'B-04',
  QOS_IS_3: 'B-05',
  DUP_ON_QOS_0: 'B-05',
  FIELD_PAST_END: 'B-06',
  TRAILING_BYTES: 'B-06',
  STRING_NOT_UTF8: 'B-08',
  STRING_HAS_NUL: 'B-08',
  PROPERTY_UNKNOWN: 'B-13',
  PROPERTY_NOT_ALLOWED: 'B-13',
  PROPERTY_REPEATED: 'B-14',
  PROPERTY_PAST_END: 'B-15',
  PROPERTY_VALUE_INVALID: 'B-16',
  AUTHENTICATION_DATA_WITHOUT_METHOD: 'B-16',
  TOPIC_ALIAS_IS_0: 'B-16',
}

/** What a title begins with. */
function idsOf(vector: ViolationVector, statement: string | null, version: ProtocolVersion, sender: Role): string {
  const behaviour = sender === Role.CLIENT ? behaviours[vector.violation] : undefined
  const statements = statement === null ? [] : [statement, ...alsoBroken(vector, statement, version, sender)]
  return `${behaviour === undefined ? '' : `${behaviour} `}${statements.length === 0 ? '' : `[${statements.join(', ')}] `}`
}

/** Statements that say the same in other words, or more generally. */
const alike: Readonly<Record<'v311' | 'v5', Readonly<Record<string, readonly string[]>>>> = {
  v311: {
    'MQTT-2.2.2-2': ['MQTT-2.2.2-1'],
    'MQTT-3.6.1-1': ['MQTT-2.2.2-1', 'MQTT-2.2.2-2'],
    'MQTT-3.8.1-1': ['MQTT-2.2.2-1', 'MQTT-2.2.2-2'],
    'MQTT-3.10.1-1': ['MQTT-2.2.2-1', 'MQTT-2.2.2-2'],
    'MQTT-3.14.1-1': ['MQTT-2.2.2-1', 'MQTT-2.2.2-2'],
    'MQTT-3.3.2-2': ['MQTT-4.7.1-1'],
  },
  v5: {
    'MQTT-3.6.1-1': ['MQTT-2.1.3-1'],
    'MQTT-3.8.1-1': ['MQTT-2.1.3-1'],
    'MQTT-3.10.1-1': ['MQTT-2.1.3-1'],
    'MQTT-3.14.1-1': ['MQTT-2.1.3-1'],
    'MQTT-3.15.1-1': ['MQTT-2.1.3-1'],
    'MQTT-3.3.1-4': ['U5-3.3.1.2-1'],
    'MQTT-3.1.2-12': ['U5-3.1.2.6-1'],
    'MQTT-3.1.2-3': ['U5-3.1.2.3-1'],
    'MQTT-3.8.3-2': ['U5-3.8.3-1'],
    'MQTT-3.10.3-2': ['U5-3.10.3-1'],
    'MQTT-3.3.2-2': ['MQTT-4.7.0-1'],
    'MQTT-2.2.1-3': ['U5-2.2.1-1'],
    'MQTT-2.2.1-4': ['U5-2.2.1-1'],
    'U5-3.3.2.1-1': ['MQTT-4.7.3-1'],
    'U5-3.3.4-1': ['MQTT-3.3.2-8'],
  },
}

/** 3.1.1: that a field of this packet is a string. */
const stringFields: Readonly<Record<string, string>> = {
  'CONNECT Client Identifier': 'MQTT-3.1.3-4',
  'CONNECT Will Topic': 'MQTT-3.1.3-10',
  'CONNECT User Name': 'MQTT-3.1.3-11',
  'PUBLISH Topic Name': 'MQTT-3.3.2-1',
  'SUBSCRIBE Topic Filter': 'MQTT-3.8.3-1',
  'UNSUBSCRIBE Topic Filter': 'MQTT-3.10.3-1',
}

function alsoBroken(vector: ViolationVector, statement: string, version: ProtocolVersion, sender: Role): string[] {
  const { violation, field, bytes } = vector
  const also = [...(alike[version === V5 ? 'v5' : 'v311'][statement] ?? [])]
  const packetName = { 1: 'CONNECT', 3: 'PUBLISH', 8: 'SUBSCRIBE', 10: 'UNSUBSCRIBE' }[bytes[0]! >> 4]
  const ofField = stringFields[`${packetName} ${field}`]
  if (violation === 'STRING_NOT_UTF8' && version !== V5 && ofField !== undefined) also.push(ofField)
  if (violation === 'STRING_HAS_NUL' && field?.startsWith('Topic')) also.push('MQTT-4.7.3-2')
  if (statement === 'MQTT-4.13.1-1') also.push(sender === Role.CLIENT ? 'U5-4.13.1-2' : 'U5-4.13.1-1')
  // 5.0 tells a code where 3.1.1 keeps silent; both close
  if (packetName === 'CONNECT' && violation !== 'PROTOCOL_LEVEL_UNSUPPORTED') also.push('MQTT-3.1.4-1')
  return also
}
