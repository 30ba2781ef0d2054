import type { LoadClient } from './load-client.ts'
import { connectOf, runName } from './plan.ts'
import { SteppedScenario } from './stepped.ts'

/** Longer than any run: the session must live while its client is away. */
const SESSION_EXPIRY_SECONDS = 3600

/** Messages wait for a client that is away; times how fast it gets them when it comes back. Its session is removed at the end. */
export class OfflineScenario extends SteppedScenario {
  readonly #count = this.shareOf(this.plan.messages ?? 0)
  readonly #publisher: LoadClient = this.crowd.add(this.#number(0), this.#connect('p', 0, true, 0), this.sender())
  readonly #subscriber: LoadClient = this.crowd.add(
    this.#number(1),
    this.#connect('s', 1, true, SESSION_EXPIRY_SECONDS),
    this.receiver(),
  )

  #number(kind: number): number {
    return this.place.part * 2 + kind
  }

  // Before 5.0 a session that outlives its connection is one without Clean Session.
  #connect(kind: string, number: number, cleanStart: boolean, sessionExpiryIntervalSeconds: number) {
    const isOldSession = this.plan.version < 5 && sessionExpiryIntervalSeconds > 0
    const clientId = `${runName(this.plan)}-${kind}${this.place.part}`
    const properties = { sessionExpiryIntervalSeconds }
    return connectOf(this.plan, this.#number(number), clientId, { cleanStart: cleanStart && !isOldSession, properties })
  }

  connect(): Promise<void> {
    return this.crowd.open([this.#publisher, this.#subscriber], true, (client) => {
      if (client === this.#publisher) this.crowd.settled()
      else this.crowd.subscribe(client, this.#topic, this.qos, () => this.crowd.settled())
    })
  }

  protected async run(): Promise<void> {
    const { tally } = this
    await this.crowd.leave(this.#subscriber)
    await this.step('queue', this.#count, () => this.publish(this.#publisher, this.#count, false, () => this.#topic))
    if (this.isStopped) return
    await this.step('drain', this.#count, async () => {
      await this.#reopen(false, SESSION_EXPIRY_SECONDS)
      await this.until(
        () => tally.delivery.received >= this.expected,
        () => tally.delivery.received,
      )
    })
  }

  async #reopen(cleanStart: boolean, expirySeconds: number): Promise<void> {
    if (!this.#subscriber.isIdle) await this.crowd.leave(this.#subscriber)
    this.#subscriber.connectWith(this.#connect('s', 1, cleanStart, expirySeconds))
    await this.crowd.open([this.#subscriber], true, () => this.crowd.settled())
  }

  get #topic(): string {
    return `${runName(this.plan)}/${this.place.part}`
  }

  override async close(): Promise<void> {
    if (this.tally.connected > 1) await this.#reopen(true, 0)
    await super.close()
  }
}
