import { Role } from '../../../src/codec/packet-type.ts'
import { hex, packet, section, utf8 } from '../../support/hex.ts'
import { type SpecProperty, specTables } from '../spec.ts'

/** A broken packet of 5.0 that follows from the standard's tables, and the statement it breaks. */
export interface TableViolation {
  readonly title: string
  readonly statement: string
  readonly senders: readonly Role[]
  readonly bytes: Buffer
  readonly reasonCode: number
}

const { CLIENT, SERVER } = Role
const CONNECT_5 = '00 04 4d 51 54 54 05'

/** Who sends a packet, and the packet around its properties. WILL is the will inside CONNECT. */
const places: Readonly<Record<string, readonly [senders: readonly Role[], (properties: Buffer) => Buffer]>> = {
  CONNECT: [[CLIENT], (properties) => packet('10', CONNECT_5, '02 00 3c', properties, utf8('c'))],
  WILL: [
    [CLIENT],
    (properties) => packet('10', CONNECT_5, '06 00 3c 00', utf8('c'), properties, utf8('w'), utf8('gone')),
  ],
  CONNACK: [[SERVER], (properties) => packet('20', '00 00', properties)],
  PUBLISH: [[CLIENT, SERVER], (properties) => packet('30', utf8('t'), properties)],
  PUBACK: [[CLIENT, SERVER], (properties) => packet('40', '00 01 00', properties)],
  PUBREC: [[CLIENT, SERVER], (properties) => packet('50', '00 01 00', properties)],
  PUBREL: [[CLIENT, SERVER], (properties) => packet('62', '00 01 00', properties)],
  PUBCOMP: [[CLIENT, SERVER], (properties) => packet('70', '00 01 00', properties)],
  SUBSCRIBE: [[CLIENT], (properties) => packet('82', '00 01', properties, utf8('f'), '00')],
  SUBACK: [[SERVER], (properties) => packet('90', '00 01', properties, '00')],
  UNSUBSCRIBE: [[CLIENT], (properties) => packet('a2', '00 01', properties, utf8('f'))],
  UNSUBACK: [[SERVER], (properties) => packet('b0', '00 01', properties, '00')],
  DISCONNECT: [[CLIENT, SERVER], (properties) => packet('e0', '00', properties)],
  AUTH: [[CLIENT, SERVER], (properties) => packet('f0', '18', properties)],
}

/** What a second one breaks, and, where the property has forbidden values, such a value. */
const rules: Readonly<Record<string, string>> = {
  'Payload Format Indicator': 'U5-3.3.2.3.3-1',
  'Message Expiry Interval': 'U5-3.3.2.3.3-1',
  'Content Type': 'U5-3.3.2.3.5-1',
  'Response Topic': 'U5-3.3.2.3.5-1',
  'Correlation Data': 'U5-3.3.2.3.5-1',
  'Subscription Identifier': 'U5-3.3.2.3.8-1',
  'Session Expiry Interval': 'U5-3.1.2.11.2-1',
  'Assigned Client Identifier': 'U5-3.2.2.3.7-1',
  'Server Keep Alive': 'U5-3.2.2.3.14-1',
  'Authentication Method': 'U5-3.1.2.11.9-1',
  'Authentication Data': 'U5-3.1.2.11.10-1',
  'Request Problem Information': 'U5-3.1.2.11.7-1',
  'Will Delay Interval': 'U5-3.1.3.2.2-1',
  'Request Response Information': 'U5-3.1.2.11.6-1',
  'Response Information': 'U5-3.2.2.3.15-1',
  'Server Reference': 'U5-3.2.2.3.16-1',
  'Reason String': 'U5-3.2.2.3.9-1',
  'Receive Maximum': 'U5-3.1.2.11.3-1',
  'Topic Alias Maximum': 'U5-3.1.2.11.5-1',
  'Topic Alias': 'U5-3.3.2.3.4-1',
  'Maximum QoS': 'U5-3.2.2.3.4-1',
  'Retain Available': 'U5-3.2.2.3.5-1',
  'Maximum Packet Size': 'U5-3.1.2.11.4-1',
  'Wildcard Subscription Available': 'U5-3.2.2.3.11-1',
  'Subscription Identifier Available': 'U5-3.2.2.3.12-1',
  'Shared Subscription Available': 'U5-3.2.2.3.13-1',
}

/** What a will has in common with PUBLISH. */
const OF_WILL = 'U5-3.1.3.2.3-1'

const values: Readonly<Record<SpecProperty['type'], string>> = {
  byte: '00',
  uint16: '00 01',
  uint32: '00 00 00 01',
  varint: '01',
  utf8: '00 01 61',
  binary: '00 01 61',
  utf8pair: '00 01 61 00 01 62',
}

function id(property: SpecProperty): string {
  return property.id.toString(16).padStart(2, '0')
}

function sendersOf(property: SpecProperty, place: string): readonly Role[] {
  const [senders] = places[place]!
  const only = property.sender?.[place]
  return only === undefined ? senders : [only === 'client' ? CLIENT : SERVER]
}

function statementOf(property: SpecProperty, place: string): string {
  if (place === 'SUBSCRIBE') return 'U5-3.8.2.1.2-1'
  return place === 'WILL' && property.packets.includes('PUBLISH') ? OF_WILL : rules[property.name]!
}

/** Each property twice, in each packet that may hold it once. */
const repeated = specTables.properties.flatMap((property): TableViolation[] => {
  const once = property.packets.filter((place) => !property.repeat.includes(place))
  return once.map((place) => {
    const one = hex(id(property), values[property.type])
    // Authentication Data needs its method
    const method = property.name === 'Authentication Data' ? [hex('15 00 01 6d')] : []
    return {
      title: `${property.name} twice in ${place === 'WILL' ? 'a will' : place}`,
      statement: statementOf(property, place),
      senders: sendersOf(property, place),
      bytes: places[place]![1](section(...method, one, one)),
      reasonCode: 0x82,
    }
  })
})

/** Numbers outside of what the table lets a property have. */
const forbidden = specTables.properties.flatMap((property): TableViolation[] => {
  const isZeroForbidden = property.range?.[0] === 1
  if (!isZeroForbidden && property.values === undefined) return []
  const value = isZeroForbidden ? values[property.type].replaceAll(/[1-9a-f]/g, '0') : '02'
  // the rules of these two are about a second one
  const ofValue: Readonly<Record<string, string>> = {
    'Payload Format Indicator': 'MQTT-4.13.1-1',
    'Topic Alias': 'U5-3.3.4-1',
  }
  return property.packets.map((place) => ({
    title: `${property.name} of ${Number.parseInt(value.replaceAll(' ', ''), 16)} in ${place === 'WILL' ? 'a will' : place}`,
    statement: ofValue[property.name] ?? rules[property.name]!,
    senders: sendersOf(property, place),
    bytes: places[place]![1](section(id(property), value)),
    reasonCode: property.name === 'Topic Alias' ? 0x94 : 0x82,
  }))
})

/** Two properties per packet that may not hold them; the codec's own tests try all. */
const misplaced = Object.entries(places).flatMap(([place, [senders, bytes]]): TableViolation[] =>
  specTables.properties
    .filter(({ packets }) => !packets.includes(place))
    .filter((_, i) => i === 0 || i === 7)
    .map((property) => ({
      title: `${property.name} in ${place === 'WILL' ? 'a will' : place}`,
      statement: 'U5-2.2.2.2-1',
      senders,
      bytes: bytes(section(id(property), values[property.type])),
      reasonCode: 0x81,
    })),
)

/** Strings that are none, in each field of 5.0 that holds one. */
const strings = (
  [
    ['Topic Name', 'MQTT-3.3.2-1', [CLIENT, SERVER], (text) => packet('30', text, '00')],
    ['Topic Filter of SUBSCRIBE', 'MQTT-3.8.3-1', [CLIENT], (text) => packet('82', '00 01 00', text, '00')],
    ['Topic Filter of UNSUBSCRIBE', 'MQTT-3.10.3-1', [CLIENT], (text) => packet('a2', '00 01 00', text)],
    ['Client Identifier', 'MQTT-3.1.3-4', [CLIENT], (text) => packet('10', CONNECT_5, '02 00 3c 00', text)],
    [
      'Will Topic',
      'MQTT-3.1.3-11',
      [CLIENT],
      (text) => packet('10', CONNECT_5, '06 00 3c 00', utf8('c'), '00', text, utf8('gone')),
    ],
    ['User Name', 'MQTT-3.1.3-12', [CLIENT], (text) => packet('10', CONNECT_5, '82 00 3c 00', utf8('c'), text)],
    ['Response Topic', 'MQTT-3.3.2-13', [CLIENT, SERVER], (text) => places['PUBLISH']![1](section('08', text))],
    ['Content Type', 'MQTT-3.3.2-19', [CLIENT, SERVER], (text) => places['PUBLISH']![1](section('03', text))],
    [
      'name of a User Property',
      'MQTT-1.5.7-1',
      [CLIENT, SERVER],
      (text) => places['PUBLISH']![1](section('26', text, utf8('v'))),
    ],
    [
      'value of a User Property',
      'MQTT-1.5.7-1',
      [CLIENT, SERVER],
      (text) => places['PUBLISH']![1](section('26', utf8('n'), text)),
    ],
  ] as const satisfies readonly [string, string, readonly Role[], (text: Buffer) => Buffer][]
).flatMap(([field, statement, senders, bytes]): TableViolation[] => {
  const isTopic = field.startsWith('Topic') || field.startsWith('Will Topic')
  const isProperty = field.endsWith('User Property') || field === 'Response Topic' || field === 'Content Type'
  const ofType = isProperty ? 'U5-2.2.2.2-2, ' : ''
  return [
    [`half a surrogate pair in the ${field}`, `${ofType}${statement}, MQTT-1.5.4-1`, '00 03 ed a0 80'] as const,
    [`U+0000 in the ${field}`, `${isTopic ? 'MQTT-4.7.3-2, ' : ''}MQTT-1.5.4-2`, '00 01 00'] as const,
  ].map(([title, statements, text]) => ({
    title,
    statement: statements,
    senders,
    bytes: bytes(hex(text)),
    // a Will Topic that is none has a code of its own (semantics C-14)
    reasonCode: title === 'U+0000 in the Will Topic' ? 0x90 : 0x81,
  }))
})

/** Broken packets that follow from the standard's tables; all of 5.0. */
export const tableViolations: readonly TableViolation[] = [...repeated, ...forbidden, ...misplaced, ...strings]
