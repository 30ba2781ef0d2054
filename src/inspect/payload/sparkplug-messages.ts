import type { WireField, WireMessage, WireType } from './wire.ts'

/**
 * The messages of a Sparkplug B payload (Sparkplug 3.0.0 section 6.4.1, schema org.eclipse.tahu.protobuf) as rows: number, key,
 * type.
 */

function one(key: string, type: WireType): WireField {
  return { key, type }
}

function many(key: string, type: WireType): WireField {
  return { key, type, isRepeated: true }
}

const dataSetValue: WireMessage = {
  1: one('int', 'integer'),
  2: one('long', 'integer'),
  3: one('float', 'float'),
  4: one('double', 'double'),
  5: one('boolean', 'boolean'),
  6: one('string', 'string'),
}

const row: WireMessage = { 1: many('elements', { message: () => dataSetValue }) }

const dataSet: WireMessage = {
  1: one('columnCount', 'integer'),
  2: many('columns', 'string'),
  3: many('types', 'integer'),
  4: many('rows', { message: () => row }),
}

const parameter: WireMessage = {
  1: one('name', 'string'),
  2: one('type', 'integer'),
  3: one('int', 'integer'),
  4: one('long', 'integer'),
  5: one('float', 'float'),
  6: one('double', 'double'),
  7: one('boolean', 'boolean'),
  8: one('string', 'string'),
}

const template: WireMessage = {
  1: one('version', 'string'),
  2: many('metrics', { message: () => metric }),
  3: many('parameters', { message: () => parameter }),
  4: one('templateRef', 'string'),
  5: one('isDefinition', 'boolean'),
}

const propertyValue: WireMessage = {
  1: one('type', 'integer'),
  2: one('isNull', 'boolean'),
  3: one('int', 'integer'),
  4: one('long', 'integer'),
  5: one('float', 'float'),
  6: one('double', 'double'),
  7: one('boolean', 'boolean'),
  8: one('string', 'string'),
  9: one('propertySet', { message: () => propertySet }),
  10: one('propertySetList', { message: () => propertySetList }),
}

const propertySet: WireMessage = {
  1: many('keys', 'string'),
  2: many('values', { message: () => propertyValue }),
}

const propertySetList: WireMessage = { 1: many('sets', { message: () => propertySet }) }

const metaData: WireMessage = {
  1: one('isMultiPart', 'boolean'),
  2: one('contentType', 'string'),
  3: one('size', 'integer'),
  4: one('seq', 'integer'),
  5: one('fileName', 'string'),
  6: one('fileType', 'string'),
  7: one('md5', 'string'),
  8: one('description', 'string'),
}

const metric: WireMessage = {
  1: one('name', 'string'),
  2: one('alias', 'integer'),
  3: one('timestamp', 'integer'),
  4: one('type', 'integer'),
  5: one('isHistorical', 'boolean'),
  6: one('isTransient', 'boolean'),
  7: one('isNull', 'boolean'),
  8: one('metaData', { message: () => metaData }),
  9: one('properties', { message: () => propertySet }),
  10: one('int', 'integer'),
  11: one('long', 'integer'),
  12: one('float', 'float'),
  13: one('double', 'double'),
  14: one('boolean', 'boolean'),
  15: one('string', 'string'),
  16: one('bytes', 'bytes'),
  17: one('dataSet', { message: () => dataSet }),
  18: one('template', { message: () => template }),
}

/** The outermost message. */
export const sparkplugPayload: WireMessage = {
  1: one('timestamp', 'integer'),
  2: many('metrics', { message: () => metric }),
  3: one('seq', 'integer'),
  4: one('uuid', 'string'),
  5: one('body', 'bytes'),
}

/** Names of data types by their number (section 6.4.16); 0 is not known. */
export const dataTypeNames: readonly string[] = [
  'Unknown',
  'Int8',
  'Int16',
  'Int32',
  'Int64',
  'UInt8',
  'UInt16',
  'UInt32',
  'UInt64',
  'Float',
  'Double',
  'Boolean',
  'String',
  'DateTime',
  'Text',
  'UUID',
  'DataSet',
  'Bytes',
  'File',
  'Template',
  'PropertySet',
  'PropertySetList',
  'Int8Array',
  'Int16Array',
  'Int32Array',
  'Int64Array',
  'UInt8Array',
  'UInt16Array',
  'UInt32Array',
  'UInt64Array',
  'FloatArray',
  'DoubleArray',
  'BooleanArray',
  'StringArray',
  'DateTimeArray',
]
