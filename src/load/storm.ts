import type { LoadClient } from './load-client.ts'
import { NO_MESSAGES } from './load-client.ts'
import { connectOf, runName } from './plan.ts'
import { SteppedScenario } from './stepped.ts'

/** All clients lose their connection at once: times how fast a watcher gets their wills, and how fast they are all back. */
export class StormScenario extends SteppedScenario {
  readonly #watcher: LoadClient = this.crowd.add(
    this.plan.clients + this.place.part,
    connectOf(this.plan, this.plan.clients + this.place.part, `${runName(this.plan)}-w${this.place.part}`),
    {
      ...NO_MESSAGES,
      message: ({ message }) => {
        this.tally.delivery.received++
        this.tally.delivery.bytes += message.payloadBytes
      },
    },
  )
  readonly #clients: LoadClient[] = Array.from({ length: this.shareOf(this.plan.clients) }, (_, i) => this.#client(i))

  #client(i: number): LoadClient {
    const { plan, place } = this
    const number = i * place.parts + place.part
    const payload = this.format.newPayload(i)
    const will = { topicName: `${this.#topic}/${i}`, payload, qos: this.qos, retain: false, properties: {} }
    return this.crowd.add(number, connectOf(plan, number, `${runName(plan)}-c${number}`, { will }), NO_MESSAGES)
  }

  get #topic(): string {
    return `${runName(this.plan)}/${this.place.part}`
  }

  async connect(): Promise<void> {
    await this.crowd.open([this.#watcher], true, (client) => {
      this.crowd.subscribe(client, `${this.#topic}/+`, this.plan.qos, () => this.crowd.settled())
    })
    if (this.tally.failed === 0) await this.crowd.open(this.#clients, true, () => this.crowd.settled())
  }

  protected async run(): Promise<void> {
    const { tally } = this
    const count = this.#clients.length
    this.expected = count
    await this.step('wills', count, async () => {
      await this.crowd.cut(this.#clients)
      await this.until(
        () => tally.delivery.received >= count,
        () => tally.delivery.received,
      )
    })
    if (this.isStopped) return
    await this.step('reconnect', count, () => this.crowd.open(this.#clients, false, () => this.crowd.settled()))
  }
}
