import { ComparedPacket } from '../../inspect/comparison/compared-packet.ts'
import { comparePackets } from '../../inspect/comparison/comparison.ts'
import type { InspectedPacket } from '../../inspect/inspected-packet.ts'
import type { Parties } from '../../inspect/network/connection.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import { sourcesOf } from '../input/inspect-source.ts'
import type { inspectDiffRows } from '../options/inspect-diff.ts'
import type { Typed } from '../options/option-row.ts'
import { merged, type Parsed } from '../options/parse.ts'
import { DifferenceText, differenceJson } from '../output/inspect-differences.ts'
import { clientIdOf } from '../output/inspect-output.ts'
import { writeLines } from '../output/write-lines.ts'
import { createPainter } from '../terminal.ts'
import { inspectSource, type PacketSink } from './inspect-input.ts'

/** Of one input; both are held at a time. */
const MAXIMUM_PACKETS = 250_000
const MAXIMUM_BYTES = 128 * 1024 * 1024

/** `mqtt-kit inspect diff`: two inputs side by side. */
export async function run(parsed: Parsed<typeof inspectDiffRows>, context: Context): Promise<ExitCode> {
  const typed = merged(parsed)
  const [first, second, ...more] = parsed.operands
  if (first === undefined || second === undefined || more.length > 0) {
    throw new UsageError('two inputs are expected, each a file, - or bytes as text; bytes with spaces need quotes')
  }
  if (first === '-' && second === '-') throw new UsageError('only one of the inputs can be standard input')
  const left = await packetsOf(first, 'A', typed, context)
  const right = await packetsOf(second, 'B', typed, context)
  const comparison = comparePackets(left, right)
  const { stdoutIsTerminal, columns, stdoutColour } = context.terminal
  const text = new DifferenceText(
    await createPainter(stdoutColour),
    stdoutIsTerminal ? columns : Number.POSITIVE_INFINITY,
  )
  await writeLines(context.stdout, typed.json === true ? jsonLines(comparison) : text.lines(comparison))
  return comparison.differences.length > 0 ? ExitCode.MALFORMED : ExitCode.DONE
}

async function packetsOf(
  operand: string,
  letter: string,
  typed: Typed<typeof inspectDiffRows>,
  context: Context,
): Promise<readonly ComparedPacket[]> {
  const collector = new Collector(typed)
  try {
    const [source] = sourcesOf([operand], context.streams)
    await inspectSource(source!, typed, collector, context)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    throw new Failure(error.exitCode, `${letter}: ${error.message}`, error)
  }
  if (!collector.hasMet) throw new UsageError(`${letter}: no MQTT packet was found`)
  return collector.packets
}

/** Keeps what passes the filter. */
class Collector implements PacketSink {
  readonly isClosed = false
  readonly packets: ComparedPacket[] = []
  hasMet = false
  readonly #typed: Typed<typeof inspectDiffRows>
  #bytes = 0

  constructor(typed: Typed<typeof inspectDiffRows>) {
    this.#typed = typed
  }

  add(packet: InspectedPacket, parties: Parties | null): void {
    this.hasMet = true
    const { dir, filter } = this.#typed
    if (dir != null && dir !== packet.sender) return
    if (filter?.({ packet, clientId: clientIdOf(packet, parties) }) === false) return
    this.packets.push(new ComparedPacket(packet, this.packets.length + 1))
    this.#bytes += packet.bytes.length
    if (this.packets.length > MAXIMUM_PACKETS || this.#bytes > MAXIMUM_BYTES) {
      throw new UsageError(`more than ${MAXIMUM_PACKETS} packets or 128 MiB of them; --filter leaves some out`)
    }
  }

  async analyse(): Promise<void> {}

  async flush(): Promise<void> {}
}

async function* jsonLines({ differences }: ReturnType<typeof comparePackets>): AsyncGenerator<string> {
  for (const difference of differences) yield differenceJson(difference)
}
