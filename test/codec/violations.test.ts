import { describe, expect, it } from 'vitest'
import { encodePacket } from '../../src/codec/encoder.ts'
import { Message } from '../../src/codec/message.ts'
import { Role } from '../../src/codec/packet-type.ts'
import { Connect } from '../../src/codec/packets/connect.ts'
import { Publish } from '../../src/codec/packets/publish.ts'
import { Subscribe } from '../../src/codec/packets/subscribe.ts'
import { properties } from '../../src/codec/property.ts'
import { ProtocolVersion, protocolVersionName } from '../../src/codec/protocol-version.ts'
import { ProtocolViolation, type ViolationName, type ViolationRow, violations } from '../../src/codec/violation.ts'
import { cutAt, decodeChunks, expectOutcome, inChunksOf, NotingReader, type Stream } from '../support/decoding.ts'
import { itWithSpec } from '../support/spec-folder.ts'
import { copies } from '../vectors/copy-spec.mjs'
import { malformedSamples, specTables, statementIds } from '../vectors/spec.ts'
import type { ViolationVector } from '../vectors/violations/violation-vector.ts'
import { violationVectors } from '../vectors/violations/violations.ts'

const { V3_1, V3_1_1, V5 } = ProtocolVersion

/** Rows that no bytes of one packet provoke: they need a session, whose tests provoke them. */
const NEEDS_A_SESSION: readonly ViolationName[] = [
  'SECOND_CONNECT',
  'FIRST_PACKET_NOT_CONNACK',
  'SECOND_CONNACK',
  'SESSION_PRESENT_WITHOUT_STATE',
  'KEEP_ALIVE_EXPIRED',
  'RECEIVE_MAXIMUM_EXCEEDED',
  'TOPIC_ALIAS_ABOVE_MAXIMUM',
  'TOPIC_ALIAS_UNKNOWN',
  'PACKET_ID_IN_USE',
  'ACKNOWLEDGEMENT_OF_WRONG_KIND',
  'ACKNOWLEDGEMENT_WITHOUT_REQUEST',
  'QOS_NOT_SUPPORTED',
  'RETAIN_NOT_SUPPORTED',
  'SESSION_EXPIRY_RAISED_FROM_0',
  'AUTH_WITHOUT_METHOD',
  'AUTH_OUT_OF_TURN',
  'AUTHENTICATION_METHOD_CHANGED',
  'PACKET_DURING_AUTHENTICATION',
  'PROBLEM_INFORMATION_UNWANTED',
  'SUBSCRIPTION_IDENTIFIER_UNKNOWN',
]

/** Rows that only our own side can break: what comes in has no room for it. */
const ONLY_OURS: readonly ViolationName[] = ['STRING_TOO_LONG']

const cases = violationVectors.flatMap((vector) =>
  (
    [
      [V3_1, vector.v31],
      [V3_1_1, vector.v311],
      [V5, vector.v5],
    ] as const
  ).flatMap(([version, statement]) => (statement === undefined ? [] : [{ vector, version, statement }])),
)

describe.each(Object.keys(violations) as ViolationName[])('%s', (name) => {
  for (const { vector, version, statement } of cases.filter((one) => one.vector.violation === name)) {
    describe(`${vector.title}, in ${protocolVersionName(version)}`, () => describeVector(vector, version, statement))
  }

  it('is provoked by a vector, or has a reason why not', () => {
    const covered = cases.some(({ vector }) => vector.violation === name)

    expect([...NEEDS_A_SESSION, ...ONLY_OURS].includes(name)).toBe(!covered)
  })
})

function describeVector(vector: ViolationVector, version: ProtocolVersion, statement: string | null): void {
  const { bytes, sender, beforeConnect, maximumPacketBytes, offset, field, violation } = vector
  const stream: Stream = {
    sender,
    version: beforeConnect === true ? null : version,
    ...(maximumPacketBytes === undefined ? {} : { maximumPacketBytes }),
  }
  const reasonCode = vector.reasonCode ?? violations[violation].reasonCode
  const whole = decodeChunks([bytes], stream)

  it('is refused with its statement, code, field and offset', () => {
    expect(whole.decoded).toEqual([])
    expect(whole.violation).toMatchObject({ violation, statement, reasonCode, version, offset, field })
  })

  it('is refused the same way in chunks of every size and wherever it is cut', () => {
    for (let size = 1; size <= bytes.length; size++) {
      expectOutcome(decodeChunks(inChunksOf(bytes, size), stream), whole, `chunks of ${size}`)
      expectOutcome(decodeChunks(cutAt(bytes, size), stream), whole, `cut at ${size}`)
    }
  })

  it('is the first thing that a reader notes that goes on', () => {
    const reader = new NotingReader(sender)
    const { violation: end } = decodeChunks([bytes], { ...stream, reader })

    expect([...reader.noted, end][0]).toEqual(whole.violation)
  })
}

describe('our own packets', () => {
  const long = 'x'.repeat(65_536)
  const connect = { version: V3_1_1, clientId: 'c', cleanStart: true, keepAliveSeconds: 0 } as const
  const filter = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const

  it.each<[string, ViolationName, () => unknown]>([
    ['a Topic Name of 65,536 bytes', 'STRING_TOO_LONG', () => Message.create(long, '')],
    ['a Topic Name of 32,768 characters of two bytes', 'STRING_TOO_LONG', () => Message.create('é'.repeat(32_768), '')],
    [
      'a Password of 65,536 bytes',
      'STRING_TOO_LONG',
      () => encodePacket(new Connect({ ...connect, userName: '', password: Buffer.alloc(65_536) }), V3_1_1),
    ],
    [
      'half a surrogate pair in a Client Identifier',
      'STRING_NOT_UTF8',
      () => encodePacket(new Connect({ ...connect, clientId: 'a\ud83d' }), V3_1_1),
    ],
    [
      'U+0000 in a Topic Filter',
      'STRING_HAS_NUL',
      () => encodePacket(new Subscribe(1, [{ ...filter, topicFilter: 'a\0' }]), V5),
    ],
    ['U+0000 in a Topic Name', 'STRING_HAS_NUL', () => Message.create('a\0b', '')],
    ['an empty Topic Name', 'TOPIC_NAME_EMPTY', () => Message.create('', '')],
    ['a wildcard in a Topic Name', 'TOPIC_NAME_HAS_WILDCARD', () => Message.create('a/+', '')],
    [
      'a wildcard in a Response Topic',
      'RESPONSE_TOPIC_HAS_WILDCARD',
      () => Message.create('a', '', { properties: { responseTopic: '#' } }),
    ],
    [
      'a payload beyond what a Remaining Length can say',
      'PACKET_TOO_LARGE',
      () => encodePacket(new Publish(withPayloadBytes(268_435_453), 0, false, 0), V3_1_1),
    ],
  ])('are refused with %s: %s', (_, violation, encode) => {
    let caught: unknown
    try {
      encode()
    } catch (error) {
      caught = error
    }

    expect(caught).toBeInstanceOf(ProtocolViolation)
    expect(caught).toMatchObject({ violation, ours: true })
  })

  it('hold 65,535 bytes in a string', () => {
    expect(Message.create('é'.repeat(32_767), '').topic).toHaveLength(65_534)
    expect(Message.create('x'.repeat(65_535), '').topic).toHaveLength(65_535)
  })
})

/** A message that says it is so long; its bytes are not needed to refuse it. */
function withPayloadBytes(payloadBytes: number): Message {
  const message = Message.create('a', '')
  message.payloadEnd = message.payloadStart + payloadBytes
  return message
}

describe('the table of violations', () => {
  const rows: [string, ViolationRow][] = Object.entries(violations)

  it('cites statements that exist', () => {
    const unknown311 = rows.filter(([, { v311 }]) => v311 !== null && !statementIds.v311.all.includes(v311))
    const unknown5 = rows.filter(([, { v5 }]) => v5 !== null && !statementIds.v5.all.includes(v5))

    expect([...unknown311, ...unknown5]).toEqual([])
  })

  it('says a thing once', () => {
    const texts = rows.map(([, { text }]) => text)

    expect(texts).toEqual([...new Set(texts)])
  })

  it('has no reason code that means success', () => {
    expect(rows.filter(([, { reasonCode }]) => reasonCode < 0x80)).toEqual([])
  })
})

describe('the statements that vectors expect', () => {
  it('exist', () => {
    const unknown = cases.filter(
      ({ version, statement }) =>
        statement !== null && !(version === V5 ? statementIds.v5 : statementIds.v311).all.includes(statement),
    )

    expect(unknown).toEqual([])
  })
})

describe('the table of properties', () => {
  it('cites statements that exist', () => {
    expect(properties.filter(({ statement }) => !statementIds.v5.all.includes(statement))).toEqual([])
  })
})

describe('the malformed samples', () => {
  const namesOfUnnumbered: Readonly<Record<string, ViolationName>> = {
    'trailing-bytes': 'TRAILING_BYTES',
    truncated: 'STREAM_ENDS_INSIDE_PACKET',
  }
  const versions = { '3.1': V3_1, '3.1.1': V3_1_1, '5.0': V5 }

  it.each(malformedSamples)('$name', (sample) => {
    const bytes = Buffer.from(sample.hex, 'hex')
    const isConnect = bytes[0]! >> 4 === 1
    const { decoded, violation } = decodeChunks([bytes], {
      sender: sample.dir === 'c2s' ? Role.CLIENT : Role.SERVER,
      version: isConnect ? null : versions[sample.version],
    })

    if (sample.violates.length === 0) {
      expect(violation).toBeNull()
      expect(decoded).toHaveLength(1)
      return
    }
    const [rule] = sample.violates
    const name = namesOfUnnumbered[rule!]
    if (name !== undefined) expect(violation?.violation).toBe(name)
    else expect(sample.violates).toContain(violation?.statement)
  })
})

describe('the copies of the standard', () => {
  itWithSpec('are those of the statements at hand', (read) => {
    expect({
      'statement-ids.json': statementIds,
      'mqtt-5-tables.json': specTables,
      'malformed-samples.json': malformedSamples,
    }).toEqual(copies(read))
  })
})
