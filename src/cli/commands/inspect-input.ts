import { Role } from '../../codec/packet-type.ts'
import { protocolVersionName } from '../../codec/protocol-version.ts'
import type { Known } from '../../inspect/evidence.ts'
import { readNotation } from '../../inspect/input/text-notation.ts'
import type { InspectedPacket } from '../../inspect/inspected-packet.ts'
import { framesOfParts, type Inspection, inspectBytes, inspectParts, nameForeign } from '../../inspect/inspector.ts'
import { CaptureReader, isCaptureFile } from '../../inspect/network/capture-file.ts'
import type { CaptureInspector } from '../../inspect/network/capture-inspector.ts'
import type { Parties } from '../../inspect/network/connection.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import { type ByteSource, withoutGzip } from '../input/inspect-source.ts'
import type { InspectOptions } from '../options/inspect.ts'

/** Text and raw bytes are read as a whole; captures of any size are not. */
const MAXIMUM_WHOLE_BYTES = 256 * 1024 * 1024
const SECOND_LOOK_BYTES = 64

/** How to read an input. */
export type ReadingOptions = Pick<InspectOptions, 'mqtt' | 'dir' | 'from' | 'port'>

/** Takes the packets of an input. */
export interface PacketSink {
  /** nobody wants any more */
  readonly isClosed: boolean
  /** A capture comes. */
  analyse(): Promise<void>
  add(packet: InspectedPacket, parties: Parties | null): void
  /** Called now and then, to wait for a slow reader. */
  flush(): Promise<void>
}

/** Reads one input to its end, finds out what it is, and gives its packets to the output. */
export async function inspectSource(
  source: ByteSource,
  typed: ReadingOptions,
  output: PacketSink,
  context: Context,
): Promise<void> {
  const chunks: Buffer[] = []
  let length = 0
  let capture: Capture | null = null
  for await (const chunk of withoutGzip(source)) {
    if (capture === null) {
      chunks.push(chunk)
      length += chunk.length
      const opening = length < SECOND_LOOK_BYTES || chunks.length === 1 ? Buffer.concat(chunks) : null
      if (opening !== null && mayBe('capture', typed) && isCaptureFile(opening)) {
        capture = await Capture.open(typed, output)
        capture.push(opening)
      }
      if (length > MAXIMUM_WHOLE_BYTES) throw new UsageError('more than 256 MiB that are no capture')
    } else {
      capture.push(chunk)
    }
    await output.flush()
    if (output.isClosed) return
  }
  if (capture !== null) return capture.end(context)
  if (typed.from === 'capture') throw new Failure(ExitCode.USAGE, 'this is neither pcap nor pcapng')
  await inspectWhole(Buffer.concat(chunks), typed, output, context)
}

/** A capture file on its way through; what reads networks is loaded when there is one. */
class Capture {
  readonly #reader = new CaptureReader()
  readonly #inspector: CaptureInspector

  private constructor(inspector: CaptureInspector) {
    this.#inspector = inspector
  }

  static async open(typed: ReadingOptions, output: PacketSink): Promise<Capture> {
    return new Capture(await captureInspector(typed, output))
  }

  push(chunk: Buffer): void {
    this.#reader.push(chunk, (frame) => this.#inspector.add(frame))
  }

  end({ talk }: Context): void {
    this.#reader.end()
    this.#inspector.end()
    if (this.#reader.damage !== null) talk.say(this.#reader.damage)
  }
}

async function captureInspector(typed: ReadingOptions, output: PacketSink): Promise<CaptureInspector> {
  const { CaptureInspector } = await import('../../inspect/network/capture-inspector.ts')
  await output.analyse()
  const known = { version: typed.mqtt ?? null, port: typed.port ?? null }
  return new CaptureInspector((packet, parties) => output.add(packet, parties), known)
}

async function inspectWhole(input: Buffer, typed: ReadingOptions, output: PacketSink, context: Context): Promise<void> {
  const known: Known = { version: typed.mqtt ?? null, sender: typed.dir ?? null }
  const text = isText(input) && mayBe('text', typed) ? input.toString('latin1') : null
  const notation = text === null ? null : readNotation(text, typed.from)
  if (notation?.isShortened === true) context.talk.say('the text says that bytes are missing at its end')
  const frames = notation === null ? null : framesOfParts(notation.parts)
  if (frames !== null) {
    const inspector = await captureInspector(typed, output)
    for (const frame of frames) inspector.add(frame)
    return inspector.end()
  }
  if (notation !== null && isCaptureFile(notation.parts[0]!.bytes)) {
    const capture = await Capture.open(typed, output)
    capture.push(Buffer.concat(notation.parts.map(({ bytes }) => bytes)))
    return capture.end(context)
  }
  const parts = notation?.parts ?? [{ bytes: input, party: null }]
  const opening = parts[0]!.bytes
  const inspection = (await inWebSocket(opening, known)) ?? inspectParts(parts, known)
  const [first] = inspection.packets
  const foreign = nameForeign(opening) ?? (notation === null && text !== null ? 'text in no notation of bytes' : null)
  if (first === undefined || (foreign !== null && first.issues.length > 0)) {
    throw new Failure(ExitCode.USAGE, `this is no MQTT${foreign === null ? '' : `; it looks like ${foreign}`}`)
  }
  tell(inspection, context)
  for (const packet of inspection.packets) output.add(packet, null)
}

// binary and capture are kinds of their own; all others are notations of text
function mayBe(kind: 'capture' | 'text', { from = 'auto' }: ReadingOptions): boolean {
  if (from === 'auto' || from === kind) return true
  return kind === 'text' && from !== 'binary' && from !== 'capture'
}

function isText(input: Buffer): boolean {
  return !/[^\t\n\r -~]/.test(input.toString('latin1'))
}

// An upgrade or a frame at the beginning; null when the bytes begin otherwise or carry no MQTT.
async function inWebSocket(bytes: Buffer, known: Known): Promise<Inspection | null> {
  const isFrame = bytes.length > 2 && [0x81, 0x82, 0x01, 0x02, 0xc1, 0xc2].includes(bytes[0]!) && bytes[1]! > 1
  if (!isFrame && ![0x47, 0x48].includes(bytes[0]!)) return null
  const { isUpgrade, unframe } = await import('../../inspect/network/websocket.ts')
  const hasHead = isUpgrade(bytes)
  if (!hasHead && !isFrame) return null
  const inner = unframe(bytes, hasHead)
  if (inner.length === 0) return null
  const inspection = inspectBytes(inner, known)
  return inspection.packets.every(({ issues }) => issues.length === 0) ? inspection : null
}

function tell({ verdict }: Inspection, { talk, terminal }: Context): void {
  if (verdict.sureness === 'certain' || !terminal.stderrIsTerminal) return
  const side = verdict.sender === Role.CLIENT ? 'client' : 'server'
  const name = protocolVersionName(verdict.version)
  const { sureness, tried, asGood } = verdict
  const why =
    sureness === 'likely'
      ? `of ${tried} readings this one has fewest faults`
      : `${asGood} of ${tried} readings are as good`
  talk.say(`read as MQTT ${name} from the ${side}; ${sureness}: ${why}; --mqtt and --dir decide`)
}
