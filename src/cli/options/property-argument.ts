import { PacketType, packetTypeNames } from '../../codec/packet-type.ts'
import {
  mayStandIn,
  type Properties,
  type PropertyPlace,
  type PropertyRow,
  PropertyType,
  properties as propertyTable,
  WILL_PROPERTIES,
} from '../../codec/property.ts'
import { UsageError } from '../failure.ts'
import { nearest } from '../nearest.ts'
import { ValueError, type ValueKind } from './option-row.ts'
import { mqttText } from './values.ts'

/** One property as typed, read and checked: where it goes and what it is. */
export interface PropertyArgument {
  readonly place: PropertyPlace
  readonly row: PropertyRow
  readonly value: unknown
}

/** Words for the packets that a command sends and that take properties: `publish` -> PUBLISH. */
export type PropertyPlaces = Readonly<Record<string, PropertyPlace>>

/** What `pub` sends. */
export const publishPlaces: PropertyPlaces = {
  publish: PacketType.PUBLISH,
  connect: PacketType.CONNECT,
  will: WILL_PROPERTIES,
  disconnect: PacketType.DISCONNECT,
}

/** What `sub` sends. */
export const subscribePlaces: PropertyPlaces = {
  subscribe: PacketType.SUBSCRIBE,
  connect: PacketType.CONNECT,
  unsubscribe: PacketType.UNSUBSCRIBE,
  will: WILL_PROPERTIES,
  disconnect: PacketType.DISCONNECT,
}

/** What `rr` sends. */
export const requestPlaces: PropertyPlaces = {
  publish: PacketType.PUBLISH,
  subscribe: PacketType.SUBSCRIBE,
  connect: PacketType.CONNECT,
  will: WILL_PROPERTIES,
  disconnect: PacketType.DISCONNECT,
}

const USER_PROPERTY_WORDS = 4
const PROPERTY_WORDS = 3
const USER_PROPERTY = 'user-property'

/** The value of `-D`: `CMD NAME VALUE`, and `CMD user-property NAME VALUE`. */
export function propertyWords(places: PropertyPlaces): ValueKind<PropertyArgument> {
  return {
    name: 'CMD NAME VALUE',
    choices: Object.keys(places),
    furtherChoices: [[...new Set(Object.values(places).flatMap(namesFor))], []],
    words: ([, name]) => (name === USER_PROPERTY ? USER_PROPERTY_WORDS : PROPERTY_WORDS),
    read: (typed) => {
      const [command = '', name = '', ...values] = typed.split('\0')
      return propertyArgument(placeOf(command, places), name, values)
    },
  }
}

/**
 * The value of `--prop`: `name=value` for the command's own packet, `connect.name=value` for another one, and
 * `user-property=NAME=VALUE`.
 */
export function propertyAssignment(places: PropertyPlaces): ValueKind<PropertyArgument> {
  return {
    name: '[CMD.]NAME=VALUE',
    choices: Object.entries(places).flatMap(([command, place], i) =>
      namesFor(place).map((name) => `${i === 0 ? '' : `${command}.`}${name}=`),
    ),
    read: (typed) => {
      const match = /^(?:([a-z]+)\.)?([^=]+)=(.*)$/s.exec(typed)
      if (match === null) throw new ValueError('NAME=VALUE, as in content-type=text/plain')
      const [, command, name = '', value = ''] = match
      const place = command === undefined ? Object.values(places)[0]! : placeOf(command, places)
      if (name !== USER_PROPERTY) return propertyArgument(place, name, [value])
      const equals = value.indexOf('=')
      if (equals < 0) throw new ValueError('user-property=NAME=VALUE')
      return propertyArgument(place, name, [value.slice(0, equals), value.slice(equals + 1)])
    },
  }
}

/**
 * Puts the properties of one packet together.
 * @throws UsageError when one that may not repeat was given twice
 */
export function propertiesFor(place: PropertyPlace, given: readonly PropertyArgument[]): Properties {
  const result: Record<string, unknown> = {}
  for (const { row, value } of given.filter((argument) => argument.place === place)) {
    if (row.list) result[row.key] = [...((result[row.key] as unknown[] | undefined) ?? []), value]
    else if (row.key in result) throw new UsageError(`property ${wordFor(row)} is given twice for ${placeName(place)}`)
    else result[row.key] = value
  }
  return result
}

/** `Content Type` -> `content-type` */
function wordFor(row: PropertyRow): string {
  return row.name.toLowerCase().replaceAll(' ', '-')
}

function placeName(place: PropertyPlace): string {
  return place === WILL_PROPERTIES ? 'the will' : packetTypeNames[place]!
}

function placeOf(command: string, places: PropertyPlaces): PropertyPlace {
  const place = places[command.toLowerCase()]
  if (place === undefined) throw new ValueError(`a packet that this command sends: ${Object.keys(places).join(', ')}`)
  return place
}

/** Names of the properties that a client may send there. */
function namesFor(place: PropertyPlace): string[] {
  return propertyTable.filter((row) => mayStandIn(row, place) && unsendable(row, place) === null).map(wordFor)
}

function propertyArgument(place: PropertyPlace, name: string, values: readonly string[]): PropertyArgument {
  const row = propertyTable.find((candidate) => wordFor(candidate) === name)
  if (row === undefined) throw unknownProperty(name, place)
  if (!mayStandIn(row, place)) throw misplaced(row, place)
  const reason = unsendable(row, place)
  if (reason !== null) throw new ValueError(reason)
  return { place, row, value: readValue(row, values) }
}

function unknownProperty(name: string, place: PropertyPlace): ValueError {
  const allowed = namesFor(place)
  const meant = nearest(name, allowed)
  return new ValueError(
    meant === null ? `a property of ${placeName(place)}: ${allowed.join(', ')}` : `a property; did you mean ${meant}?`,
  )
}

function misplaced(row: PropertyRow, place: PropertyPlace): ValueError {
  const everywhere: PropertyPlace[] = [...Object.values(PacketType), WILL_PROPERTIES]
  const places = everywhere.filter((candidate) => mayStandIn(row, candidate))
  return new ValueError(
    `a property of ${placeName(place)}; ${wordFor(row)} may stand in ${places.map(placeName).join(', ')} only`,
  )
}

// What the standard allows in the packet but a client may not send, or sends by itself.
function unsendable(row: PropertyRow, place: PropertyPlace): string | null {
  if (place === PacketType.PUBLISH && row.key === 'subscriptionIdentifiers') {
    return 'a property that a client may send; subscription-identifier in PUBLISH comes from the broker only'
  }
  if (place === PacketType.PUBLISH && row.key === 'topicAlias') {
    return 'a property of the message; topic-alias belongs to one connection and is not sent'
  }
  if (place === PacketType.DISCONNECT && row.key === 'serverReference') {
    return 'a property that a client may send; server-reference comes from the broker only'
  }
  return null
}

function readValue(row: PropertyRow, [first = '', second = '']: readonly string[]): unknown {
  switch (row.type) {
    case PropertyType.STRING:
      return mqttText('TEXT').read(first)
    case PropertyType.STRING_PAIR:
      return [mqttText('NAME').read(first), mqttText('VALUE').read(second)]
    case PropertyType.BINARY:
      return Buffer.from(first)
    default:
      return readNumber(row, first)
  }
}

function readNumber(row: PropertyRow, typed: string): number {
  const maximum = Math.min(row.maximum, row.type === PropertyType.UINT16 ? 0xffff : 0xffff_ffff)
  const value = Number(typed)
  if (!/^\d+$/.test(typed) || value < row.minimum || value > maximum) {
    throw new ValueError(`for ${wordFor(row)} a number from ${row.minimum} to ${maximum}`)
  }
  return value
}
