import { Role } from '../../../src/codec/packet-type.ts'
import { hex, packet, section, utf8 } from '../../support/hex.ts'
import { before5, everyVersion, type ViolationVector } from './violation-vector.ts'

const { CLIENT, SERVER } = Role

const names: readonly ViolationVector[] = [
  {
    title: 'empty Topic Name',
    violation: 'TOPIC_NAME_EMPTY',
    ...before5('MQTT-4.7.3-1'),
    sender: CLIENT,
    bytes: hex('30 04 00 00 68 69'), // PUBLISH, Remaining Length 4, Topic Name, payload
    offset: 4,
    field: 'Topic Name',
  },
  {
    title: 'empty Topic Name without Topic Alias',
    violation: 'TOPIC_NAME_EMPTY',
    v5: 'U5-3.3.2.1-1',
    sender: SERVER,
    bytes: hex('30 05 00 00 00 68 69'), // PUBLISH, Remaining Length 5, Topic Name, no properties, payload
    offset: 4,
    field: 'Topic Name',
  },
  ...['#', '+', 'a/#', 'a/+/b', 'a+', 'x#y'].map(
    (topicName): ViolationVector => ({
      title: `Topic Name ${topicName}`,
      violation: 'TOPIC_NAME_HAS_WILDCARD',
      ...everyVersion('MQTT-3.3.2-2', 'MQTT-3.3.2-2'),
      sender: CLIENT,
      bytes: packet('30', utf8(topicName), '00'),
      offset: 4,
      field: 'Topic Name',
    }),
  ),
  {
    title: 'Response Topic a/+ of a PUBLISH',
    violation: 'RESPONSE_TOPIC_HAS_WILDCARD',
    v5: 'MQTT-3.3.2-14',
    sender: CLIENT,
    bytes: packet('30', utf8('a'), section('08', utf8('a/+'))),
    offset: 9,
    field: 'Response Topic',
  },
  {
    title: 'Response Topic # of a PUBLISH, behind another property',
    violation: 'RESPONSE_TOPIC_HAS_WILDCARD',
    v5: 'MQTT-3.3.2-14',
    sender: SERVER,
    bytes: packet('30', utf8('a'), section('01 00', '08', utf8('#'))),
    offset: 11,
    field: 'Response Topic',
  },
]

/** A filter, what is wrong with it, and the statements for that. */
const filters: readonly [filter: string, ViolationVector['violation'], v311: string | null, v5: string][] = [
  ['', 'TOPIC_FILTER_EMPTY', 'MQTT-4.7.3-1', 'MQTT-4.7.3-1'],
  ['a#', 'TOPIC_FILTER_HASH_MISPLACED', 'MQTT-4.7.1-2', 'MQTT-4.7.1-1'],
  ['#/a', 'TOPIC_FILTER_HASH_MISPLACED', 'MQTT-4.7.1-2', 'MQTT-4.7.1-1'],
  ['a/#/b', 'TOPIC_FILTER_HASH_MISPLACED', 'MQTT-4.7.1-2', 'MQTT-4.7.1-1'],
  ['##', 'TOPIC_FILTER_HASH_MISPLACED', 'MQTT-4.7.1-2', 'MQTT-4.7.1-1'],
  ['a+', 'TOPIC_FILTER_PLUS_MISPLACED', 'MQTT-4.7.1-3', 'MQTT-4.7.1-2'],
  ['+a/b', 'TOPIC_FILTER_PLUS_MISPLACED', 'MQTT-4.7.1-3', 'MQTT-4.7.1-2'],
  ['a/++', 'TOPIC_FILTER_PLUS_MISPLACED', 'MQTT-4.7.1-3', 'MQTT-4.7.1-2'],
  ['$share/', 'SHARE_NAME_EMPTY', null, 'MQTT-4.8.2-1'],
  ['$share//a', 'SHARE_NAME_EMPTY', null, 'MQTT-4.8.2-1'],
  ['$share/g', 'SHARE_NAME_INVALID', null, 'MQTT-4.8.2-2'],
  ['$share/g/', 'SHARE_NAME_INVALID', null, 'MQTT-4.8.2-2'],
  ['$share/g+/a', 'SHARE_NAME_INVALID', null, 'MQTT-4.8.2-2'],
  ['$share/#/a', 'SHARE_NAME_INVALID', null, 'MQTT-4.8.2-2'],
  ['$share/g/a#', 'TOPIC_FILTER_HASH_MISPLACED', 'MQTT-4.7.1-2', 'MQTT-4.7.1-1'],
]

const inRequests = filters.flatMap(([filter, violation, v311, v5]): ViolationVector[] => {
  const common = { violation, sender: CLIENT, field: 'Topic Filter' } as const
  return [
    {
      ...common,
      title: `SUBSCRIBE to '${filter}' before 5.0`,
      ...before5(v311),
      bytes: packet('82', '00 01', utf8(filter), '00'),
      offset: 6,
    },
    {
      ...common,
      title: `SUBSCRIBE to '${filter}' behind a good filter`,
      v5,
      bytes: packet('82', '00 01', '00', utf8('a'), '00', utf8(filter), '00'),
      offset: 11,
    },
    {
      ...common,
      title: `UNSUBSCRIBE from '${filter}' before 5.0`,
      ...before5(v311),
      bytes: packet('a2', '00 01', utf8(filter)),
      offset: 6,
    },
    {
      ...common,
      title: `UNSUBSCRIBE from '${filter}'`,
      v5,
      bytes: packet('a2', '00 01', '00', utf8(filter)),
      offset: 7,
    },
  ]
})

/** Topic Names, Topic Filters and ShareNames. */
export const topicViolations: readonly ViolationVector[] = [...names, ...inRequests]
