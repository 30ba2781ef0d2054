import type { Type } from 'protobufjs'
import type { ProtobufDecoder } from '../../inspect/payload/payload-reader.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import { nearest } from '../nearest.ts'

/** How messages become JSON: 64-bit numbers as text, enumerations by name, as the JSON mapping of Protocol Buffers has them. */
const MAPPING = { longs: String, enums: String, json: true } as const

/**
 * Reads a .proto file, and what it imports.
 * @param typeName with its package; undefined: the file has only one message
 * @throws Failure when it cannot be read; UsageError when the message is not in it, or not the only one
 */
export async function protobufDecoder(path: string, typeName: string | undefined): Promise<ProtobufDecoder> {
  const { Root, Type: MessageType } = await import('protobufjs')
  const root = new Root()
  const own: Type[] = []
  const imported: Type[] = []
  try {
    root.loadSync(path, { keepCase: true })
    root.resolveAll()
  } catch (error) {
    throw new Failure(ExitCode.USAGE, `cannot read --proto ${path}: ${(error as Error).message}`, error)
  }
  const collect = (scope: { nestedArray: readonly object[] }): void => {
    for (const item of scope.nestedArray) {
      // what is imported has another file
      if (item instanceof MessageType) (item.filename === root.files[0] ? own : imported).push(item)
      else if ('nestedArray' in item) collect(item as { nestedArray: readonly object[] })
    }
  }
  collect(root)
  const type = chosen(own, imported, path, typeName)
  return (bytes) => type.toObject(type.decode(bytes), MAPPING)
}

function chosen(own: readonly Type[], imported: readonly Type[], path: string, typeName: string | undefined): Type {
  const names = own.map(nameOf).join(', ')
  const has = `${path} has ${names === '' ? 'no message' : names}`
  if (typeName === undefined) {
    if (own.length === 1) return own[0]!
    throw new UsageError(`--proto-type is needed: ${has}`)
  }
  const wanted = typeName.replace(/^\./, '')
  const types = [...own, ...imported]
  const found = types.filter((type) => nameOf(type) === wanted || nameOf(type).endsWith(`.${wanted}`))
  if (found.length === 1) return found[0]!
  if (found.length > 1) throw new UsageError(`--proto-type ${typeName} may be ${found.map(nameOf).join(' or ')}`)
  const meant = nearest(wanted, types.map(nameOf))
  throw new UsageError(`--proto-type ${typeName}: ${meant === null ? has : `did you mean ${meant}?`}`)
}

// with its package
function nameOf({ fullName }: Type): string {
  return fullName.replace(/^\./, '')
}
