import { existsSync } from 'node:fs'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { UsageError } from '../failure.ts'
import { sourcesOf } from '../input/inspect-source.ts'
import { jsonObjects, type PlacedObject } from '../input/json-objects.ts'
import { DEFAULT_VERSION, type EncodedPacket, readJsonPacket } from '../input/json-packet.ts'
import type { inspectEncodeRows } from '../options/inspect-encode.ts'
import { ValueError } from '../options/option-row.ts'
import { merged, type Parsed } from '../options/parse.ts'
import { packetWriter } from '../output/encoded-packets.ts'
import type { PacketWriter } from '../output/packet-writer.ts'
import { writePieces } from '../output/write-lines.ts'

/** `mqtt-kit inspect encode`: JSON objects become packets. */
export async function run(parsed: Parsed<typeof inspectEncodeRows>, context: Context): Promise<ExitCode> {
  const { to = 'hex', mqtt = DEFAULT_VERSION } = merged(parsed)
  if (context.terminal.stdoutIsTerminal && (to === 'binary' || to === 'pcapng')) {
    throw new UsageError(`--to ${to} would put raw bytes on the terminal; write them to a file or a pipe`)
  }
  const [operand] = parsed.operands
  if (operand !== undefined && operand !== '-' && !/^\s*[[{]/.test(operand) && !existsSync(operand)) {
    throw new UsageError(`there is no file ${JSON.stringify(operand)}, and it is no JSON`)
  }
  const sources = sourcesOf(parsed.operands, context.streams, 'what to encode? Give a file, - or JSON as text')
  if (sources.length !== 1) throw new UsageError('one INPUT is expected: a file, - or JSON as text')
  await writePieces(context.stdout, encoded(jsonObjects(sources[0]!), mqtt, await packetWriter(to)))
  return ExitCode.DONE
}

async function* encoded(
  objects: AsyncIterable<PlacedObject>,
  version: EncodedPacket['version'],
  writer: PacketWriter,
): AsyncGenerator<string | Buffer> {
  yield writer.begin()
  let before = version
  let packets = 0
  for await (const { value, line } of objects) {
    if (isEvent(value)) continue
    const packet = readAt(line, value, before)
    before = packet.version
    packets++
    yield writer.packet(packet)
  }
  if (packets === 0) throw new UsageError('there is no JSON object in the input')
  yield writer.end()
}

// What inspect proxy --json tells beside packets: that it is ready.
function isEvent(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'event' in value && !('type' in value)
}

function readAt(line: number, value: unknown, before: EncodedPacket['version']): EncodedPacket {
  try {
    return readJsonPacket(value, before)
  } catch (error) {
    if (!(error instanceof ValueError)) throw error
    throw new UsageError(`line ${line}: expected ${error.message}`)
  }
}
