import { plainBytes, plainInteger, plainTime, plainValue } from './plain-value.ts'
import { dataTypeNames } from './sparkplug-messages.ts'
import type { WireValues } from './wire.ts'

const signedBits: Readonly<Record<string, number>> = { Int8: 8, Int16: 16, Int32: 32, Int64: 64 }

type ArrayItem = readonly [bytes: number, read: (bytes: Buffer, at: number) => unknown]

const arrayItems: Readonly<Record<string, ArrayItem>> = {
  Int8Array: [1, (bytes, at) => bytes.readInt8(at)],
  Int16Array: [2, (bytes, at) => bytes.readInt16LE(at)],
  Int32Array: [4, (bytes, at) => bytes.readInt32LE(at)],
  Int64Array: [8, (bytes, at) => plainInteger(bytes.readBigInt64LE(at))],
  UInt8Array: [1, (bytes, at) => bytes.readUInt8(at)],
  UInt16Array: [2, (bytes, at) => bytes.readUInt16LE(at)],
  UInt32Array: [4, (bytes, at) => bytes.readUInt32LE(at)],
  UInt64Array: [8, (bytes, at) => plainInteger(bytes.readBigUInt64LE(at))],
  FloatArray: [4, (bytes, at) => plainValue(bytes.readFloatLE(at))],
  DoubleArray: [8, (bytes, at) => plainValue(bytes.readDoubleLE(at))],
  DateTimeArray: [8, (bytes, at) => plainTime(Number(bytes.readBigInt64LE(at)))],
}

/** The name of a data type by its number; null where there is none. */
export function dataTypeName(type: unknown): string | null {
  return type === undefined ? null : (dataTypeNames[Number(type)] ?? `type ${type}`)
}

/**
 * The value of a metric, a parameter, a property or an element of a data set, as JSON has it. The field that holds it tells no
 * sign: the data type does.
 * @param type null: not known, and numbers are taken as they stand there
 */
export function sparkplugValue(values: WireValues, type: string | null): unknown {
  if (values['isNull'] === true) return null
  const { int, long, float, double, boolean, string, bytes } = values
  const integer = (long ?? int) as bigint | undefined
  if (integer !== undefined) return integerValue(integer, type)
  if (Buffer.isBuffer(bytes)) return bytesValue(bytes, type)
  if (values['dataSet'] !== undefined) return dataSetValue(values['dataSet'] as WireValues)
  if (values['template'] !== undefined) return templateValue(values['template'] as WireValues)
  if (values['propertySet'] !== undefined) return propertiesValue(values['propertySet'] as WireValues)
  if (values['propertySetList'] !== undefined) {
    return listOf((values['propertySetList'] as WireValues)['sets']).map(propertiesValue)
  }
  return plainValue(float ?? double ?? boolean ?? string ?? null)
}

/** A property set as an object. */
export function propertiesValue(set: WireValues): Record<string, unknown> {
  const keys = (set['keys'] ?? []) as string[]
  const values = listOf(set['values'])
  return Object.fromEntries(
    keys.map((key, i) => [key, sparkplugValue(values[i] ?? {}, dataTypeName(values[i]?.['type']))]),
  )
}

/** Name, type and value of a metric, and what else it says. */
export function metricValue(metric: WireValues, name: string | null, type: string | null): Record<string, unknown> {
  const { alias, timestamp, isHistorical, isTransient, properties, metaData } = metric
  return {
    name,
    ...(alias === undefined ? {} : { alias: plainInteger(alias as bigint) }),
    type,
    value: sparkplugValue(metric, type),
    ...(timestamp === undefined ? {} : { timestamp: plainTime(Number(timestamp)) }),
    ...(isHistorical === true ? { isHistorical } : {}),
    ...(isTransient === true ? { isTransient } : {}),
    ...(properties === undefined ? {} : { properties: propertiesValue(properties as WireValues) }),
    ...(metaData === undefined ? {} : { metaData: plainValue(metaData) }),
  }
}

function integerValue(integer: bigint, type: string | null): unknown {
  if (type === 'DateTime') return plainTime(Number(integer))
  if (type === 'Boolean') return integer !== 0n
  const bits = type === null ? undefined : signedBits[type]
  return plainInteger(bits === undefined ? integer : BigInt.asIntN(bits, integer))
}

function bytesValue(bytes: Buffer, type: string | null): unknown {
  const item = type === null ? undefined : arrayItems[type]
  if (item !== undefined && bytes.length % item[0] === 0) {
    return Array.from({ length: bytes.length / item[0] }, (_, i) => item[1](bytes, i * item[0]))
  }
  if (type === 'StringArray') return bytes.toString().replace(/\0$/, '').split('\0')
  return (type === 'BooleanArray' ? booleans(bytes) : null) ?? plainBytes(bytes)
}

// A count in four bytes, then eight in each byte, the first one in the highest bit.
function booleans(bytes: Buffer): boolean[] | null {
  const count = bytes.length < 4 ? -1 : bytes.readUInt32LE()
  if (count < 0 || Math.ceil(count / 8) !== bytes.length - 4) return null
  return Array.from({ length: count }, (_, i) => (bytes[4 + (i >> 3)]! & (0x80 >> (i & 7))) !== 0)
}

function dataSetValue(set: WireValues): object {
  const types = ((set['types'] ?? []) as bigint[]).map((type) => dataTypeName(type))
  const rows = listOf(set['rows']).map((row) =>
    listOf(row['elements']).map((element, i) => sparkplugValue(element, types[i] ?? null)),
  )
  return { columns: set['columns'] ?? [], types, rows }
}

function templateValue(template: WireValues): object {
  const { version, templateRef, isDefinition } = template
  const parameters = listOf(template['parameters'])
  return {
    ...(version === undefined ? {} : { version }),
    ...(templateRef === undefined ? {} : { templateRef }),
    ...(isDefinition === true ? { isDefinition } : {}),
    ...(parameters.length === 0 ? {} : { parameters: parameters.map(namedValue) }),
    metrics: listOf(template['metrics']).map(namedValue),
  }
}

function namedValue(values: WireValues): object {
  return metricValue(values, (values['name'] as string | undefined) ?? null, dataTypeName(values['type']))
}

function listOf(value: unknown): readonly WireValues[] {
  return (value ?? []) as readonly WireValues[]
}
