import { existsSync } from 'node:fs'
import { Role } from '../../codec/packet-type.ts'
import { protocolVersionName } from '../../codec/protocol-version.ts'
import type { Known } from '../../inspect/evidence.ts'
import { fieldText } from '../../inspect/field-text.ts'
import { readNotation } from '../../inspect/input/text-notation.ts'
import type { InspectedPacket } from '../../inspect/inspected-packet.ts'
import { framesOfParts, type Inspection, inspectBytes, inspectParts, nameForeign } from '../../inspect/inspector.ts'
import { CaptureReader, isCaptureFile } from '../../inspect/network/capture-file.ts'
import { CaptureInspector } from '../../inspect/network/capture-inspector.ts'
import { unframe } from '../../inspect/network/websocket.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import { type ByteSource, fileChunks, withoutGzip } from '../input/inspect-source.ts'
import type { inspectRows } from '../options/inspect.ts'
import type { Typed } from '../options/option-row.ts'
import { merged, type Parsed } from '../options/parse.ts'
import { packetJson } from '../output/inspect-json.ts'
import { LineView } from '../output/inspect-line.ts'
import { packetTree } from '../output/inspect-tree.ts'
import { createPainter, type Painter } from '../terminal.ts'

type InspectOptions = Typed<typeof inspectRows>

/** Text and raw bytes are read as a whole; captures of any size are not. */
const MAXIMUM_WHOLE_BYTES = 256 * 1024 * 1024
const SECOND_LOOK_BYTES = 64

/** `mqtt-kit inspect`: what the bytes say, and which rules they break. */
export async function run(parsed: Parsed<typeof inspectRows>, context: Context): Promise<ExitCode> {
  const typed = merged(parsed)
  const painter = await createPainter(context.terminal.stdoutColour)
  const output = new InspectOutput(typed, painter, context)
  for (const source of sourcesOf(parsed.operands, context)) {
    await inspect(source, typed, output, context)
    if (output.isClosed) break
  }
  output.end()
  await output.flush()
  if (output.packets === 0) throw new UsageError('no MQTT packet was found')
  return output.errors > 0 ? ExitCode.MALFORMED : ExitCode.DONE
}

// Arguments that are no files are one text: the shell may have cut it at its spaces.
function sourcesOf(operands: readonly string[], { streams }: Context): ByteSource[] {
  if (operands.length === 0 && streams.stdin.isTTY)
    throw new UsageError('what to inspect? Give a file, - or bytes as text')
  if (operands.length === 0) return [streams.stdin]
  const sources: ByteSource[] = []
  const text: string[] = []
  for (const operand of operands) {
    if (operand === '-') sources.push(streams.stdin)
    else if (existsSync(operand)) sources.push(fileChunks(operand))
    else text.push(operand)
  }
  return text.length === 0 ? sources : [...sources, [Buffer.from(text.join(' '))]]
}

async function inspect(
  source: ByteSource,
  typed: InspectOptions,
  output: InspectOutput,
  context: Context,
): Promise<void> {
  const chunks: Buffer[] = []
  let length = 0
  let capture: CaptureReader | null = null
  const inspector = new CaptureInspector((packet) => output.add(packet))
  for await (const chunk of withoutGzip(source)) {
    if (capture === null) {
      chunks.push(chunk)
      length += chunk.length
      const opening = length < SECOND_LOOK_BYTES || chunks.length === 1 ? Buffer.concat(chunks) : null
      if (opening !== null && isCaptureFile(opening)) {
        capture = new CaptureReader()
        capture.push(opening, (frame) => inspector.add(frame))
      }
      if (length > MAXIMUM_WHOLE_BYTES) throw new UsageError('more than 256 MiB that are no capture')
    } else {
      capture.push(chunk, (frame) => inspector.add(frame))
    }
    await output.flush()
    if (output.isClosed) return
  }
  if (capture !== null) {
    capture.end()
    inspector.end()
    if (capture.damage !== null) context.talk.say(capture.damage)
    return
  }
  inspectWhole(Buffer.concat(chunks), typed, output, context)
}

function inspectWhole(input: Buffer, typed: InspectOptions, output: InspectOutput, context: Context): void {
  const known: Known = { version: typed.mqtt ?? null, sender: typed.dir ?? null }
  const text = /[^\t\n\r -~]/.test(input.toString('latin1')) ? null : input.toString('latin1')
  const notation = text === null ? null : readNotation(text)
  if (notation?.isShortened === true) context.talk.say('the text says that bytes are missing at its end')
  const frames = notation === null ? null : framesOfParts(notation.parts)
  if (frames !== null) {
    const inspector = new CaptureInspector((packet) => output.add(packet))
    for (const frame of frames) inspector.add(frame)
    return inspector.end()
  }
  if (notation !== null && isCaptureFile(notation.parts[0]!.bytes)) {
    return inspectWholeCapture(Buffer.concat(notation.parts.map(({ bytes }) => bytes)), output)
  }
  const parts = notation?.parts ?? [{ bytes: input, party: null }]
  const opening = parts[0]!.bytes
  const inspection = inWebSocket(opening, known) ?? inspectParts(parts, known)
  const [first] = inspection.packets
  const foreign = nameForeign(opening) ?? (notation === null && text !== null ? 'text in no notation of bytes' : null)
  if (first === undefined || (foreign !== null && first.issues.length > 0)) {
    throw new Failure(ExitCode.USAGE, `this is no MQTT${foreign === null ? '' : `; it looks like ${foreign}`}`)
  }
  tell(inspection, context)
  for (const packet of inspection.packets) output.add(packet)
}

function inspectWholeCapture(bytes: Buffer, output: InspectOutput): void {
  const inspector = new CaptureInspector((packet) => output.add(packet))
  const reader = new CaptureReader()
  reader.push(bytes, (frame) => inspector.add(frame))
  inspector.end()
}

// An upgrade or a frame at the beginning; null when the bytes begin otherwise or carry no MQTT.
function inWebSocket(bytes: Buffer, known: Known): Inspection | null {
  const hasHead = /^(?:GET |HTTP\/1\.1 101)/.test(bytes.toString('latin1', 0, 12))
  const isFrame = bytes.length > 2 && [0x81, 0x82, 0x01, 0x02].includes(bytes[0]!) && bytes[1]! > 1
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
  talk.say(`read as MQTT ${name} from the ${side} (${verdict.sureness}; --mqtt and --dir decide)`)
}

class InspectOutput {
  packets = 0
  errors = 0
  isClosed = false
  readonly #typed: InspectOptions
  readonly #painter: Painter
  readonly #context: Context
  readonly #lines: LineView
  #held: InspectedPacket | null = null
  #text: string[] = []
  #wake: () => void = () => {}

  constructor(typed: InspectOptions, painter: Painter, context: Context) {
    this.#typed = typed
    this.#painter = painter
    this.#context = context
    this.#lines = new LineView(
      painter,
      context.terminal.stdoutIsTerminal ? context.terminal.columns : Number.POSITIVE_INFINITY,
    )
    context.stdout.handler = {
      drained: () => this.#wake(),
      failed: () => {
        this.isClosed = true
        this.#wake()
      },
    }
  }

  add(packet: InspectedPacket): void {
    this.packets++
    for (const { severity } of packet.issues) if (severity === 'error') this.errors++
    const { json, view, byte } = this.#typed
    if (byte !== undefined) return this.#explain(packet, byte)
    if (json) this.#text.push(`${packetJson(packet)}\n`)
    else if (view === 'tree') this.#tree(packet)
    else if (view === 'line' || this.packets > 2) this.#text.push(this.#lines.line(packet))
    else if (this.#held === null && this.packets === 1) this.#held = packet
    else {
      this.#text.push(this.#lines.line(this.#held!), this.#lines.line(packet))
      this.#held = null
    }
  }

  /** One packet alone is shown as a tree. */
  end(): void {
    if (this.#held !== null) this.#tree(this.#held)
    this.#held = null
  }

  /** Writes what there is, and waits when the reader is slow. */
  async flush(): Promise<void> {
    if (this.#text.length === 0 || this.isClosed) return
    const text = this.#text.join('')
    this.#text = []
    if (this.#context.stdout.write(text) || this.isClosed) return
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
  }

  #tree(packet: InspectedPacket): void {
    this.#text.push(packetTree(packet, this.#painter, this.#context.terminal.columns))
  }

  #explain(packet: InspectedPacket, byte: number): void {
    const at = byte - packet.offset
    const value = packet.bytes[at]
    if (at < 0 || value === undefined) return
    const field = packet.fields.find(({ start, end }) => start <= at && at < end)
    const broken = packet.issues.filter(({ start, end }) => start <= at && at < end)
    const lines = [
      `byte ${byte} is 0x${value.toString(16).padStart(2, '0')} (${value}): byte ${at} of a packet of ${packet.bytes.length}`,
      field === undefined ? 'it is in no field' : `${field.name}: ${fieldText(field, packet)}`,
      ...broken.map(({ id, message }) => this.#painter.error(`! [${id}] ${message}`)),
    ]
    this.#text.push(`${lines.join('\n')}\n`)
  }
}
