import type { Clock } from '../broker/clock.ts'
import { Role } from '../codec/packet-type.ts'
import type { Transport } from '../transport/transport.ts'
import type { TransportError } from '../transport/transport-error.ts'
import { CutCounter, DirectionFaults, type Faults } from './faults.ts'
import type { ProxyLimits } from './limits.ts'
import { Passage, type PassageOwner } from './passage.ts'
import type { Tap } from './tap.ts'

/** How a connection came to its end. */
export interface RelayEnd {
  /** which side closed it first; null: it was cut on purpose, or the proxy has ended */
  readonly by: Role | null
  readonly error: TransportError | null
  readonly isCut: boolean
  /** by sender */
  readonly passedBytes: readonly [fromClient: number, fromServer: number]
}

/** What a connection is made of. */
export interface RelayParts {
  readonly stream: number
  /** neither is started */
  readonly client: Transport
  readonly broker: Transport
  readonly faults: Faults
  readonly limits: ProxyLimits
  /** makes a clock that wakes one alone */
  readonly makeClock: () => Clock
  /** of these clocks: when the proxy was started */
  readonly startMs: number
  readonly tap: Tap
  /** Called once, when both sides are closed. */
  readonly ended: (end: RelayEnd) => void
}

/** One client and its connection to the broker: two directions that end together. */
export class Relay implements PassageOwner {
  readonly #parts: RelayParts
  readonly #directions: readonly [fromClient: Passage, fromServer: Passage]
  readonly #cutCounter: CutCounter
  readonly #alarm: Clock
  #isCut = false
  #isStopped = false
  #end: { by: Role | null; error: TransportError | null } | null = null

  constructor(parts: RelayParts) {
    this.#parts = parts
    this.#cutCounter = new CutCounter(parts.faults)
    this.#alarm = parts.makeClock()
    const { client, broker } = parts
    this.#directions = [this.#passage(Role.CLIENT, client, broker), this.#passage(Role.SERVER, broker, client)]
    const [fromClient, fromServer] = this.#directions
    fromClient.opposite = fromServer
    fromServer.opposite = fromClient
  }

  #passage(sender: Role, source: Transport, sink: Transport): Passage {
    const { stream, faults, limits, makeClock, startMs, tap } = this.#parts
    const own = new DirectionFaults(faults, stream, sender)
    return new Passage({ sender, source, sink, faults: own, limits, clock: makeClock(), startMs, tap }, this)
  }

  start(): void {
    for (const direction of this.#directions) direction.start()
  }

  /** See {@link Passage.hold}. */
  hold(isHeld: boolean): void {
    for (const direction of this.#directions) direction.hold(isHeld)
  }

  /** Closes both sides now. */
  stop(): void {
    this.#isStopped = true
    this.#end ??= { by: null, error: null }
    this.#destroy()
  }

  // ---- the directions tell

  admit(sender: Role, byteCount: number): number {
    const admitted = this.#isCut ? 0 : this.#cutCounter.admit(sender, byteCount)
    if (!this.#isCut && this.#cutCounter.isUsedUp) this.#beginCut()
    return admitted
  }

  moved(): void {
    if (this.#isCut && !this.#isStopped && this.#directions.every(({ isIdle }) => isIdle)) this.stop()
  }

  sideClosed(sender: Role, error: TransportError | null): void {
    this.#end ??= { by: sender, error }
    const { limits, tap, ended } = this.#parts
    if (!this.#directions.every(({ isSourceClosed }) => isSourceClosed)) {
      this.#alarm.wakeAt(this.#alarm.nowMs() + limits.closeMs, () => this.#destroy())
      return
    }
    this.#alarm.stop()
    const { by, error: first } = this.#end
    const [fromClient, fromServer] = this.#directions
    tap.closed(by, first !== null)
    ended({
      by,
      error: first,
      isCut: this.#isCut,
      passedBytes: [fromClient.passedBytes, fromServer.passedBytes],
    })
  }

  #beginCut(): void {
    this.#isCut = true
    this.#end ??= { by: null, error: null }
    for (const direction of this.#directions) direction.cut()
    this.#alarm.wakeAt(this.#alarm.nowMs() + this.#parts.limits.closeMs, () => this.#destroy())
  }

  #destroy(): void {
    this.#parts.client.destroy()
    this.#parts.broker.destroy()
  }
}
