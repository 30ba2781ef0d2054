import { Message } from '../codec/message.ts'
import { QoS } from '../codec/qos.ts'
import type { LoadClient } from './load-client.ts'
import { connectOf, runName } from './plan.ts'
import { SteppedScenario } from './stepped.ts'

/** Stores retained messages, then times how fast a new subscriber gets them all; they are removed at the end. */
export class RetainedScenario extends SteppedScenario {
  readonly #publisher: LoadClient = this.#client('p', 0, this.sender())
  readonly #subscriber: LoadClient = this.#client('s', 1, this.receiver())
  readonly #count = this.shareOf(this.plan.messages ?? 0)

  #client(kind: string, number: number, sink: Parameters<typeof this.crowd.add>[2]): LoadClient {
    const client = this.place.part * 2 + number
    return this.crowd.add(client, connectOf(this.plan, client, `${runName(this.plan)}-${kind}${this.place.part}`), sink)
  }

  connect(): Promise<void> {
    return this.crowd.open([this.#publisher, this.#subscriber], true, () => this.crowd.settled())
  }

  protected async run(): Promise<void> {
    const { tally } = this
    await this.step('store', this.#count, () => this.publish(this.#publisher, this.#count, true, (i) => this.#topic(i)))
    if (this.isStopped) return
    await this.step('read', this.#count, async () => {
      this.crowd.subscribe(this.#subscriber, this.#topic('#'), this.plan.qos, () => {})
      await this.until(
        () => tally.delivery.received >= this.expected,
        () => tally.delivery.received,
      )
    })
  }

  #topic(level: number | string): string {
    return `${runName(this.plan)}/${this.place.part}/${level}`
  }

  override async close(): Promise<void> {
    const sent = this.tally.published
    for (let i = 0; i < sent && this.#publisher.isConnected; i++) {
      this.unacknowledged++
      const empty = Message.create(this.#topic(i), '', { qos: QoS.AT_LEAST_ONCE, retain: true })
      this.#publisher.publish(empty, empty, performance.now())
    }
    await this.until(
      () => this.unacknowledged === 0,
      () => this.unacknowledged,
    )
    await super.close()
  }
}
