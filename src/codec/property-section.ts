import { TopicNameFault, topicNameFault } from '../topic/topic-name.ts'
import { PacketType, Role } from './packet-type.ts'
import {
  mayStandIn,
  NO_PROPERTIES,
  type Properties,
  PropertyId,
  type PropertyPlace,
  type PropertyRow,
  PropertyType,
  propertyById,
  properties as propertyTable,
  type UserProperty,
  WILL_PROPERTIES,
} from './property.ts'
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/**
 * Decodes a property section (5.0 section 2.2.2) from its Property Length on.
 *
 * @returns the shared {@link NO_PROPERTIES} when it is empty; binary values are copies
 * @throws ProtocolViolation PROPERTY_UNKNOWN, PROPERTY_NOT_ALLOWED, PROPERTY_REPEATED, PROPERTY_VALUE_INVALID,
 *   PROPERTY_PAST_END, and those of strings and variable byte integers
 */
export function decodeProperties(reader: Reader, place: PropertyPlace): Properties {
  const packetEnd = openSection(reader)
  const result = reader.offset === reader.end ? NO_PROPERTIES : decodeRows(reader, place)
  closeSection(reader, packetEnd)
  return result
}

/** Reads the Property Length and narrows the reader to the section. @returns the end to give to {@link closeSection} */
export function openSection(reader: Reader): number {
  const at = reader.offset
  const length = reader.variableByteInteger('Property Length')
  const packetEnd = reader.end
  if (length > packetEnd - reader.offset) reader.fail('PROPERTY_PAST_END', at, 'Property Length')
  reader.end = reader.offset + length
  reader.pastEnd = 'PROPERTY_PAST_END'
  return packetEnd
}

export function closeSection(reader: Reader, packetEnd: number): void {
  reader.end = packetEnd
  reader.pastEnd = 'FIELD_PAST_END'
}

/** Reads one property identifier and finds its row. @throws ProtocolViolation PROPERTY_UNKNOWN, PROPERTY_NOT_ALLOWED */
export function decodePropertyRow(reader: Reader, place: PropertyPlace): PropertyRow {
  const at = reader.offset
  const id = reader.variableByteInteger('Property Identifier')
  const row = propertyById[id]
  if (row === undefined) {
    return reader.fail('PROPERTY_UNKNOWN', at, 'Property Identifier', {
      detail: `0x${id.toString(16).padStart(2, '0')}`,
    })
  }
  if (!mayStandIn(row, place)) reader.violate('PROPERTY_NOT_ALLOWED', at, row.name)
  return row
}

/** Judges a number against its row: Receive Maximum 0, Maximum QoS 2, and the like. */
export function checkNumber(reader: Reader, row: PropertyRow, at: number, value: number): void {
  if (value >= row.minimum && value <= row.maximum) return
  // the statement of the Payload Format Indicator is about a second one, not about its value
  const statement = row.key === 'payloadFormatIndicator' ? null : row.statement
  const details = { statement, reasonCode: row.reasonCode, detail: `value ${value}` }
  if (row.key === 'topicAlias') reader.violate('TOPIC_ALIAS_IS_0', at, row.name)
  else reader.violate('PROPERTY_VALUE_INVALID', at, row.name, details)
}

export function reportRepeated(reader: Reader, row: PropertyRow, at: number, place: PropertyPlace): void {
  reader.violate('PROPERTY_REPEATED', at, row.name, { statement: repeatedStatement(row, place) })
}

function repeatedStatement(row: PropertyRow, place: PropertyPlace): string {
  if (row.id === PropertyId.SUBSCRIPTION_IDENTIFIER) return 'U5-3.8.2.1.2-1'
  // what a will shares with PUBLISH has a rule of its own in a will
  return place === WILL_PROPERTIES && mayStandIn(row, PacketType.PUBLISH) ? 'U5-3.1.3.2.3-1' : row.statement
}

/** Reads the value of a number property of the row's type, unchecked. */
export function decodeNumber(reader: Reader, row: PropertyRow): number {
  switch (row.type) {
    case PropertyType.BYTE:
      return reader.byte(row.name)
    case PropertyType.UINT16:
      return reader.uint16(row.name)
    case PropertyType.UINT32:
      return reader.uint32(row.name)
    default:
      return reader.variableByteInteger(row.name)
  }
}

/** Decodes property after property up to the reader's end, without a Property Length. */
export function decodeRows(reader: Reader, place: PropertyPlace): Properties {
  const result: Record<string, unknown> = {}
  while (reader.offset < reader.end) {
    const at = reader.offset
    const row = decodePropertyRow(reader, place)
    if (place === PacketType.DISCONNECT) checkSenderOfDisconnect(reader, row, at)
    const value = decodeValue(reader, row)
    const mayRepeat = row.list && (place === PacketType.PUBLISH || row.id !== PropertyId.SUBSCRIPTION_IDENTIFIER)
    // the first value must not win silently; a lenient reader keeps the last one it saw
    if (row.key in result && !mayRepeat) reportRepeated(reader, row, at, place)
    if (!row.list) {
      result[row.key] = value
    } else if (mayRepeat && row.key in result) {
      const values = result[row.key] as unknown[]
      values.push(value)
    } else {
      result[row.key] = [value]
    }
  }
  return result as Properties
}

// Two properties of DISCONNECT belong to one side only (5.0 sections 3.14.2.2.2 and 3.14.2.2.5).
function checkSenderOfDisconnect(reader: Reader, row: PropertyRow, at: number): void {
  if (row.id === PropertyId.SESSION_EXPIRY_INTERVAL && reader.sender === Role.SERVER) {
    reader.violate('SESSION_EXPIRY_FROM_SERVER', at, row.name)
  }
  if (row.id === PropertyId.SERVER_REFERENCE && reader.sender === Role.CLIENT) {
    reader.violate('PROPERTY_NOT_ALLOWED', at, row.name)
  }
}

function decodeValue(reader: Reader, row: PropertyRow): number | string | Buffer | UserProperty {
  switch (row.type) {
    case PropertyType.STRING:
      return row.id === PropertyId.RESPONSE_TOPIC ? decodeResponseTopic(reader, row) : reader.string(row.name)
    case PropertyType.BINARY:
      // copied: these live longer than the chunk (authentication data, correlation data of a will)
      return Buffer.from(reader.binary(row.name))
    case PropertyType.STRING_PAIR: {
      const name = reader.string(row.name)
      return [name, reader.string(row.name)]
    }
    default: {
      const at = reader.offset
      const value = decodeNumber(reader, row)
      checkNumber(reader, row, at, value)
      return value
    }
  }
}

// [MQTT-3.3.2-14]
function decodeResponseTopic(reader: Reader, row: PropertyRow): string {
  const at = reader.offset
  const responseTopic = reader.string(row.name)
  if (topicNameFault(responseTopic) === TopicNameFault.WILDCARD) {
    reader.violate('RESPONSE_TOPIC_HAS_WILDCARD', at + 2, row.name)
  }
  return responseTopic
}

/** Writes a property section with its length, in the order of the table. */
export function encodeProperties(writer: Writer, properties: Properties): void {
  const mark = writer.beginSection()
  if (properties !== NO_PROPERTIES) encodeRows(writer, properties, () => true)
  writer.endSection(mark)
}

/** Writes properties without a length; `wanted` picks the rows. */
export function encodeRows(writer: Writer, properties: Properties, wanted: (row: PropertyRow) => boolean): void {
  for (const row of propertyTable) {
    const value = properties[row.key]
    if (value === undefined || !wanted(row)) continue
    if (row.list) for (const item of value as readonly unknown[]) encodeProperty(writer, row, item)
    else encodeProperty(writer, row, value)
  }
}

function encodeProperty(writer: Writer, row: PropertyRow, value: unknown): void {
  writer.byte(row.id)
  switch (row.type) {
    case PropertyType.BYTE:
      return writer.byte(value as number)
    case PropertyType.UINT16:
      return writer.uint16(value as number)
    case PropertyType.UINT32:
      return writer.uint32(value as number)
    case PropertyType.VARIABLE_BYTE_INTEGER:
      return writer.variableByteInteger(value as number)
    case PropertyType.STRING:
      return writer.string(value as string, row.name)
    case PropertyType.BINARY:
      return writer.binary(value as Uint8Array, row.name)
    case PropertyType.STRING_PAIR: {
      const [name, text] = value as UserProperty
      writer.string(name, row.name)
      return writer.string(text, row.name)
    }
  }
}
