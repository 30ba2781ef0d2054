import type { SessionAnalysis } from '../../inspect/analysis/session-analysis.ts'
import { fieldText } from '../../inspect/field-text.ts'
import type { InspectedPacket } from '../../inspect/inspected-packet.ts'
import type { Parties } from '../../inspect/network/connection.ts'
import type { PayloadReader } from '../../inspect/payload/payload-reader.ts'
import type { Injected } from '../../proxy/tap.ts'
import type { Context } from '../context.ts'
import type { InspectOptions } from '../options/inspect.ts'
import type { Painter } from '../terminal.ts'
import { injectedText } from './injected.ts'
import { packetJson } from './inspect-json.ts'
import { LineView } from './inspect-line.ts'
import { packetTree } from './inspect-tree.ts'

/** Makes one packet visible. @param injected what a proxy did to it; null where there is none */
type View = (packet: InspectedPacket, parties: Parties | null, injected: Injected | null) => string

/** Shows packets in the view that was asked for, and counts what is wrong. */
export class InspectOutput {
  packets = 0
  errors = 0
  isClosed = false
  /** called when nobody reads any more */
  closed: () => void = () => {}
  readonly #typed: InspectOptions
  readonly #payloads: PayloadReader
  readonly #painter: Painter
  readonly #context: Context
  readonly #columns: number
  readonly #lines: LineView
  // nothing was shown yet
  #isFirst = true
  #view: View | null = null
  #analysis: SessionAnalysis | null = null
  #held: { packet: InspectedPacket; parties: Parties | null } | null = null
  #text: string[] = []
  #wake: () => void = () => {}

  constructor(typed: InspectOptions, payloads: PayloadReader, painter: Painter, context: Context) {
    this.#typed = typed
    this.#payloads = payloads
    this.#painter = painter
    this.#context = context
    const { stdoutIsTerminal, columns } = context.terminal
    this.#columns = stdoutIsTerminal ? columns : Number.POSITIVE_INFINITY
    this.#lines = new LineView(painter, this.#columns)
    context.stdout.handler = {
      drained: () => this.#wake(),
      failed: () => {
        this.isClosed = true
        this.#wake()
        this.closed()
      },
    }
  }

  /** A capture comes: looks at its sessions too. */
  async analyse(): Promise<void> {
    if (this.#typed.json === true && this.#typed.view !== 'session') return
    const { SessionAnalysis: Analysis } = await import('../../inspect/analysis/session-analysis.ts')
    this.#analysis ??= new Analysis()
  }

  /** @param injected what a proxy did to the packet */
  add(packet: InspectedPacket, parties: Parties | null, injected: Injected | null = null): void {
    this.packets++
    this.#payloads.see(packet)
    // the sessions are judged by what was passed on
    if (parties !== null && injected?.isDropped !== true) this.#analysis?.add(packet, parties)
    const { filter, dir, byte } = this.#typed
    if (dir != null && dir !== packet.sender) return
    if (filter?.({ packet, clientId: clientIdOf(packet, parties) }) === false) return
    for (const { severity } of packet.issues) if (severity === 'error') this.errors++
    if (byte !== undefined) this.#explain(packet, byte)
    else this.#show(packet, parties, injected)
  }

  /** One packet alone is shown as a tree; what the sessions came to stands last. */
  async end(): Promise<void> {
    if (this.#held !== null) this.#text.push(this.#tree(this.#held.packet))
    this.#held = null
    if (this.#analysis !== null) await this.#tellSessions(this.#analysis)
    await this.flush()
  }

  /** Writes what there is, and waits when the reader is slow. */
  async flush(): Promise<void> {
    if (!this.write()) await this.drained()
  }

  /** Writes what there is. @returns false when the reader is slow: better wait for {@link drained} */
  write(): boolean {
    if (this.#text.length === 0 || this.isClosed) return true
    const text = this.#text.join('')
    this.#text = []
    return this.#context.stdout.write(text) || this.isClosed
  }

  /** Resolves when a slow reader has caught up, or is gone. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  /** Loads the view that was asked for, if it is none of the everyday ones. */
  async load(): Promise<void> {
    const { json, view } = this.#typed
    const { columns, stdoutIsTerminal } = this.#context.terminal
    if (view === 'session') this.#view = () => ''
    else if (json === true) this.#view = (packet, _, injected) => `${packetJson(packet, this.#payloads, injected)}\n`
    else if (view === 'tree') this.#view = noted((packet) => this.#tree(packet))
    else if (view === 'line') {
      this.#view = (packet, parties, injected) =>
        this.#lines.line(packet, parties, injected === null ? '' : injectedText(injected))
    } else if (view === 'hex') {
      const { packetHex } = await import('./inspect-hex.ts')
      this.#view = noted((packet) => packetHex(packet, this.#painter, columns))
    } else if (view === 'table') {
      const { TableView } = await import('./inspect-table.ts')
      const table = new TableView(this.#painter, this.#columns)
      this.#view = noted((packet) => table.row(packet))
    } else if (view === 'flow') {
      const { FlowView } = await import('./inspect-flow.ts')
      const flow = new FlowView(this.#painter, stdoutIsTerminal ? columns : Number.POSITIVE_INFINITY)
      this.#view = noted((packet, parties) => flow.arrow(packet, parties))
    }
  }

  // Without a wish, a packet is held back until it is known whether it is alone.
  #show(packet: InspectedPacket, parties: Parties | null, injected: Injected | null): void {
    if (this.#view !== null) {
      this.#text.push(this.#view(packet, parties, injected))
      return
    }
    if (this.#held === null && this.#isFirst) {
      this.#held = { packet, parties }
      this.#isFirst = false
      return
    }
    if (this.#held !== null) this.#text.push(this.#lines.line(this.#held.packet, this.#held.parties))
    this.#held = null
    this.#text.push(this.#lines.line(packet, parties))
  }

  async #tellSessions(analysis: SessionAnalysis): Promise<void> {
    const { json, view } = this.#typed
    analysis.end()
    if (view === 'session') {
      const { findingJson, sessionReport } = await import('./inspect-session.ts')
      for (const { severity } of analysis.findings) if (severity === 'error') this.errors++
      if (json === true) this.#text.push(...analysis.findings.map((finding) => `${findingJson(finding)}\n`))
      else this.#text.push(sessionReport(analysis, this.#painter, this.#columns))
      return
    }
    const wrong = analysis.findings.filter(({ severity }) => severity !== 'note').length
    if (wrong > 0) {
      this.#context.talk.say(
        `the sessions show ${wrong} ${wrong === 1 ? 'fault' : 'faults'}: --view session tells more`,
      )
    }
  }

  #tree(packet: InspectedPacket): string {
    return packetTree(packet, this.#painter, this.#context.terminal.columns, this.#payloads)
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

// A line below the packet says what was done to it.
function noted(view: (packet: InspectedPacket, parties: Parties | null) => string): View {
  return (packet, parties, injected) => {
    const note = injected === null ? '' : injectedText(injected)
    return note === '' ? view(packet, parties) : `${view(packet, parties)}    * ${note}\n`
  }
}

/** The client of a packet; null as long as nothing told it. */
export function clientIdOf({ packet }: InspectedPacket, parties: Parties | null): string | null {
  if (parties !== null) return parties.clientId
  return packet?.packetType === 1 ? packet.clientId : null
}
