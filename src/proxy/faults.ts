import type { Role } from '../codec/packet-type.ts'
import { SeededRandom } from './random.ts'

/** Which packets are dropped, or sent twice. */
export interface PacketRule {
  /** number of the packet type; null for all */
  readonly packetType: number | null
  /** who sends the packet; null for both */
  readonly sender: Role | null
  /** of each such packet, from 0 to 1 */
  readonly probability: number
}

/** How long what one side sends is held back: for each packet a time between the two. */
export interface DelayRule {
  readonly minimumMs: number
  readonly maximumMs: number
  readonly sender: Role | null
}

/** Nothing passes for a while, again and again. */
export interface PauseRule {
  readonly lengthMs: number
  /** from the beginning of one pause to that of the next; the first one begins so long after the start */
  readonly everyMs: number
}

/** A connection is cut when so many bytes have passed. */
export interface CutRule {
  readonly afterBytes: number
  /** whose bytes count; null: those of both sides together */
  readonly sender: Role | null
}

/** All that a proxy does wrong, on purpose. */
export interface Faults {
  readonly drop: readonly PacketRule[]
  readonly duplicate: readonly PacketRule[]
  readonly delay: readonly DelayRule[]
  readonly pause: PauseRule | null
  readonly cut: readonly CutRule[]
  /** a whole number: the same one means the same faults for the same packets of the same connections */
  readonly seed: number
}

/** What becomes of one packet. */
export interface Verdict {
  readonly isDropped: boolean
  readonly isDuplicated: boolean
  readonly delayMs: number
}

const UNHARMED: Verdict = { isDropped: false, isDuplicated: false, delayMs: 0 }

/**
 * The faults in one direction of one connection. Draws from a sequence of its own, so that what happens to the nth packet
 * does not depend on other connections.
 */
export class DirectionFaults {
  readonly #drop: readonly PacketRule[]
  readonly #duplicate: readonly PacketRule[]
  readonly #delay: readonly DelayRule[]
  readonly #pause: PauseRule | null
  readonly #random: SeededRandom

  /** @param stream number of the connection */
  constructor(faults: Faults, stream: number, sender: Role) {
    const concerns = (rule: { readonly sender: Role | null }): boolean => rule.sender === null || rule.sender === sender
    this.#drop = faults.drop.filter(concerns)
    this.#duplicate = faults.duplicate.filter(concerns)
    this.#delay = faults.delay.filter(concerns)
    this.#pause = faults.pause
    this.#random = new SeededRandom(faults.seed, stream, sender)
  }

  /** False: no fault is about single packets, so bytes may pass as they come. */
  get looksAtPackets(): boolean {
    return this.#drop.length + this.#duplicate.length + this.#delay.length > 0
  }

  /** Decides about the next packet. */
  judge(packetType: number): Verdict {
    if (!this.looksAtPackets) return UNHARMED
    // all are drawn, whatever the others say: a rule that is added leaves the numbers of those before it alone
    const isDropped = this.#holds(this.#drop, packetType)
    const isDuplicated = this.#holds(this.#duplicate, packetType) && !isDropped
    const delayMs = this.#delay.reduce((sum, rule) => sum + this.#drawMs(rule), 0)
    return { isDropped, isDuplicated, delayMs }
  }

  /**
   * How long bytes that come now have to wait, in milliseconds.
   * @param nowMs since the start of the proxy
   * @param delayMs of their packet
   */
  holdMs(nowMs: number, delayMs: number): number {
    if (this.#pause === null) return delayMs
    const { lengthMs, everyMs } = this.#pause
    const dueMs = nowMs + delayMs
    const intoPauseMs = dueMs < everyMs ? lengthMs : dueMs % everyMs
    return intoPauseMs < lengthMs ? delayMs + lengthMs - intoPauseMs : delayMs
  }

  #holds(rules: readonly PacketRule[], packetType: number): boolean {
    let holds = false
    for (const { packetType: wanted, probability } of rules) {
      if (wanted !== null && wanted !== packetType) continue
      if (this.#random.next() < probability) holds = true
    }
    return holds
  }

  #drawMs({ minimumMs, maximumMs }: DelayRule): number {
    return minimumMs + this.#random.next() * (maximumMs - minimumMs)
  }
}

/** Counts the bytes of one connection up to where it is cut. */
export class CutCounter {
  readonly #rules: readonly CutRule[]
  readonly #passed: [fromClient: number, fromServer: number] = [0, 0]

  constructor({ cut }: Faults) {
    this.#rules = cut
  }

  /** Counts bytes of one side. @returns how many of them may pass; fewer than there are: the connection is cut behind them */
  admit(sender: Role, byteCount: number): number {
    let admitted = byteCount
    for (const { afterBytes, sender: counted } of this.#rules) {
      if (counted !== null && counted !== sender) continue
      const passed = counted === null ? this.#passed[0] + this.#passed[1] : this.#passed[sender]
      admitted = Math.min(admitted, afterBytes - passed)
    }
    this.#passed[sender] += admitted
    return admitted
  }

  /** All that may pass has passed. */
  get isUsedUp(): boolean {
    return this.#rules.some(({ afterBytes, sender }) => {
      const passed = sender === null ? this.#passed[0] + this.#passed[1] : this.#passed[sender]
      return passed >= afterBytes
    })
  }
}
