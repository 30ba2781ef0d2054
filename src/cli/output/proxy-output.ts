import type { Finding } from '../../inspect/analysis/finding.ts'
import { SessionAnalysis } from '../../inspect/analysis/session-analysis.ts'
import type { InspectedPacket } from '../../inspect/inspected-packet.ts'
import type { Parties } from '../../inspect/network/connection.ts'
import type { PacketTapOutput } from '../../proxy/packet-tap.ts'
import type { Injected } from '../../proxy/tap.ts'
import type { Context } from '../context.ts'
import { payloadReader } from '../input/payload-options.ts'
import type { InspectOptions } from '../options/inspect.ts'
import type { Painter } from '../terminal.ts'
import { InspectOutput } from './inspect-output.ts'
import type { ProxyCounts } from './proxy-log.ts'

/** Shows the packets of a proxy as they pass: once per turn, and no faster than the reader takes them. */
export class ProxyOutput implements PacketTapOutput {
  /** told true when the reader of standard output is slow, and false when it has caught up */
  hold: (isHeld: boolean) => void = () => {}
  readonly #output: InspectOutput
  readonly #context: Context
  readonly #counts: ProxyCounts
  /** findings are told as they come; null: the view reports on the sessions itself, at the end */
  readonly #analysis: SessionAnalysis | null
  readonly #told = new Set<Finding>()
  #isScheduled = false
  #isHeld = false

  private constructor(output: InspectOutput, context: Context, counts: ProxyCounts, isOnlyReport: boolean) {
    this.#output = output
    this.#context = context
    this.#counts = counts
    this.#analysis = isOnlyReport ? null : new SessionAnalysis()
  }

  /**
   * @param closed called when nobody reads standard output any more
   * @throws UsageError and Failure of the options for payloads
   */
  static async open(
    typed: InspectOptions,
    painter: Painter,
    context: Context,
    counts: ProxyCounts,
    closed: () => void,
  ): Promise<ProxyOutput> {
    const output = new InspectOutput(
      { ...typed, view: typed.view ?? 'line' },
      await payloadReader(typed),
      painter,
      context,
    )
    await output.load()
    const isOnlyReport = typed.view === 'session'
    if (isOnlyReport) await output.analyse()
    output.closed = closed
    return new ProxyOutput(output, context, counts, isOnlyReport)
  }

  packet(packet: InspectedPacket, parties: Parties, injected: Injected): void {
    this.#counts.packet(packet, injected)
    this.#output.add(packet, parties, injected)
    if (this.#analysis !== null && !injected.isDropped) {
      this.#analysis.add(packet, parties)
      const cause = injected.isCopy ? ' (a copy of ours)' : ''
      const { findings } = this.#analysis
      while (this.#told.size < findings.length) this.#tell(findings[this.#told.size]!, cause)
    }
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#write()
    })
  }

  foreign(stream: number, what: string): void {
    this.say(`#${stream} is no MQTT, it looks like ${what}; it passes unread`)
  }

  /** Says something on stderr, behind all that was shown before. */
  say(text: string): void {
    this.#write()
    this.#context.talk.say(text)
  }

  /** Shows what is left, and what only the end tells. */
  async end(): Promise<void> {
    if (this.#analysis === null) return this.#output.end()
    this.#analysis.end()
    const { findings, unlistedFindings } = this.#analysis
    for (const finding of findings) if (!this.#told.has(finding)) this.#tell(finding, '')
    if (unlistedFindings > 0) this.say(`and ${unlistedFindings} more findings`)
    await this.#output.flush()
  }

  #write(): void {
    if (this.#isHeld || this.#output.write()) return
    this.#isHeld = true
    this.hold(true)
    void this.#output.drained().then(() => {
      this.#isHeld = false
      this.hold(false)
      this.#write()
    })
  }

  #tell(finding: Finding, cause: string): void {
    this.#told.add(finding)
    const { severity, id, stream, message, advice } = finding
    this.say(`${severity} [${id}] #${stream}: ${message}${cause}; ${advice}`)
  }
}
