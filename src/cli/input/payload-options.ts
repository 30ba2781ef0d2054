import { PayloadReader } from '../../inspect/payload/payload-reader.ts'
import { UsageError } from '../failure.ts'
import type { InspectOptions } from '../options/inspect.ts'

/**
 * What --payload, --proto and --proto-type come to.
 * @throws UsageError when they do not go together; Failure when the .proto file cannot be read
 */
export async function payloadReader({ payload, proto, protoType }: InspectOptions): Promise<PayloadReader> {
  if (proto === undefined) {
    if (payload === 'protobuf') throw new UsageError('--payload protobuf needs --proto FILE')
    if (protoType !== undefined) throw new UsageError('--proto-type needs --proto FILE')
    return new PayloadReader(payload ?? 'auto')
  }
  if (payload !== undefined && payload !== 'protobuf')
    throw new UsageError(`--proto and --payload ${payload} exclude each other`)
  const { protobufDecoder } = await import('./protobuf-file.ts')
  return new PayloadReader('protobuf', await protobufDecoder(proto, protoType))
}
