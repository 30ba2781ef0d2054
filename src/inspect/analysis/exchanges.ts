import type { Publish } from '../../codec/packets/publish.ts'
import { SeldomMap } from '../../codec/seldom-map.ts'
import { type Place, placeOf } from './finding.ts'

/** What an exchange waits for. */
export const Awaits = { PUBACK: 0, PUBREC: 1, PUBREL: 2, PUBCOMP: 3 } as const
export type Awaits = (typeof Awaits)[keyof typeof Awaits]

/** An exchange of QoS 1 or 2 that is open. */
export interface OpenExchange extends Place {
  readonly packetId: number
  readonly topicName: string
  readonly payloadBytes: number
  /** the message may expire before it is sent again */
  readonly mayExpire: boolean
}

/** Counts what all connections together remember. */
export class Budget {
  readonly maximum: number
  used = 0

  constructor(maximum: number) {
    this.maximum = maximum
  }
}

/** The exchanges that one side of a connection has begun, by what they wait for, each in the order it has to go on. */
export class Exchanges {
  readonly #stages = [Awaits.PUBACK, Awaits.PUBREC, Awaits.PUBREL, Awaits.PUBCOMP].map(
    () => new SeldomMap<number, OpenExchange>(),
  )
  readonly #budget: Budget
  /** false: there were more than the budget allows, so absence says nothing */
  isComplete = true

  constructor(budget: Budget) {
    this.#budget = budget
  }

  /** How many PUBLISH packets count against the Receive Maximum. */
  get inFlight(): number {
    return this.#stages.reduce((sum, { size }) => sum + size, 0)
  }

  /** @param topicName what a Topic Alias stands for; empty when nobody knows */
  begin({ packetId, qos, message }: Publish, place: Place, topicName: string): void {
    if (this.#budget.used >= this.#budget.maximum) {
      this.isComplete = false
      return
    }
    this.#budget.used++
    this.#stages[qos === 1 ? Awaits.PUBACK : Awaits.PUBREC]!.set(packetId, {
      ...placeOf(place),
      packetId,
      topicName,
      payloadBytes: message.payloadBytes,
      mayExpire: message.messageExpiryIntervalSeconds >= 0,
    })
  }

  /** What an identifier waits for; null when it is free. */
  stageOf(packetId: number): Awaits | null {
    const stage = this.#stages.findIndex((open) => open.has(packetId))
    return stage < 0 ? null : (stage as Awaits)
  }

  get(stage: Awaits, packetId: number): OpenExchange | undefined {
    return this.#stages[stage]!.get(packetId)
  }

  /** Is this the one whose turn it is? */
  isFirst(stage: Awaits, packetId: number): boolean {
    return this.#stages[stage]!.first() === packetId
  }

  /** Moves an exchange on, or ends it. @param to null: it is over */
  move(stage: Awaits, packetId: number, to: Awaits | null): void {
    const exchange = this.#stages[stage]!.get(packetId)
    if (exchange === undefined) return
    this.#stages[stage]!.delete(packetId)
    if (to === null) this.#budget.used--
    else this.#stages[to]!.set(packetId, exchange)
  }

  /** All that is open, PUBLISH packets first. */
  *open(): Generator<readonly [Awaits, OpenExchange]> {
    for (const [stage, exchanges] of this.#stages.entries()) {
      for (const exchange of exchanges.values()) yield [stage as Awaits, exchange]
    }
  }

  /** Forgets everything. */
  clear(): void {
    for (const exchanges of this.#stages) {
      this.#budget.used -= exchanges.size
      exchanges.clear()
    }
  }
}
