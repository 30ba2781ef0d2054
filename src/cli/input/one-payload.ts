import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { Message } from '../../codec/message.ts'
import { PublishHeader, publishRemainingLength } from '../../codec/packets/publish.ts'
import { ProtocolVersion } from '../../codec/protocol-version.ts'
import type { Context } from '../context.ts'
import { UsageError } from '../failure.ts'
import type { Typed } from '../options/option-row.ts'
import type { messageOptions } from '../options/publish.ts'
import { exactBytes } from './exact-bytes.ts'
import { readWhole } from './payload-source.ts'

/** The largest Remaining Length that four bytes can tell (5.0 section 2.1.4). */
const MAXIMUM_REMAINING_LENGTH = 268_435_455

/** What was typed about the one payload of a command. */
export type PayloadOptions = Pick<Typed<typeof messageOptions>, 'message' | 'file' | 'null' | 'stdin'> & {
  /** bytes; so many random ones */
  readonly size?: number
}

/** The largest payload that a PUBLISH with topic and properties of this message can carry. */
export function maximumPayloadBytes(template: Message): number {
  const header = new PublishHeader()
  header.version = ProtocolVersion.V5
  header.qos = template.qos
  header.messageExpirySeconds = template.messageExpiryIntervalSeconds
  return MAXIMUM_REMAINING_LENGTH - publishRemainingLength(template, header)
}

/**
 * The payload that -m, -n, -f, -s or --size give.
 * @throws Failure (rejects) for what cannot be read or is too large
 */
export async function readPayload(typed: PayloadOptions, context: Context, maximumBytes: number): Promise<Buffer> {
  const [message] = typed.message ?? []
  const [file] = typed.file ?? []
  if (message !== undefined) return exactBytes(message)
  if (typed.null) return Buffer.alloc(0)
  if (typed.size !== undefined) {
    if (typed.size > maximumBytes) throw new UsageError(`--size: MQTT allows at most ${maximumBytes} bytes here`)
    return randomBytes(typed.size)
  }
  if (file !== undefined && file !== '-') return readWhole(createReadStream(file), file, maximumBytes)
  return readWhole(context.streams.stdin, 'stdin', maximumBytes)
}
