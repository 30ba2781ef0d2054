import { DrillClient } from './drill-client.mjs'
import { until } from './until.mjs'

const TOPICS = 10
/** every so many versions the retained message is removed */
const REMOVE_EVERY = 5
const CHANGE_EVERY_MS = 4
const PATIENCE_MS = 5000

/** Changes retained messages one after the other, and knows what each topic must hold. */
export class Keeper {
  client
  #port
  #version = 0
  /** @type {Map<string, string>} what was published last; empty: removed */
  #expected = new Map()
  /** @type {NodeJS.Timeout | undefined} */
  #timer

  /** @param {number} port */
  constructor(port) {
    this.#port = port
    this.client = new DrillClient({ port, clientId: 'keeper', window: 1 })
  }

  start() {
    this.client.start()
    this.#resume()
  }

  stop() {
    clearInterval(this.#timer)
    this.client.stop()
  }

  #resume() {
    this.#timer = setInterval(() => this.#change(), CHANGE_EVERY_MS)
  }

  #change() {
    if (!this.client.hasRoom) return
    const topic = `keep/${this.#version % TOPICS}`
    const value = this.#version % REMOVE_EVERY === 0 && this.#version % 2 === 1 ? '' : `version ${this.#version}`
    this.#version++
    this.#expected.set(topic, value)
    this.client.publish(topic, value, { qos: 1, retain: true })
  }

  /** @returns {Promise<number>} how many topics hold another retained message than they must, or none */
  async check() {
    clearInterval(this.#timer)
    const isSettled = await until(() => this.client.inFlight === 0, PATIENCE_MS)
    const found = await this.#found()
    this.#resume()
    if (!isSettled) throw new Error('a retained message was never acknowledged')
    return [...this.#expected].filter(([topic, value]) => (found.get(topic) ?? '') !== value).length
  }

  /** @returns {Promise<Map<string, string>>} retained messages by topic */
  async #found() {
    const wanted = [...this.#expected.values()].filter((value) => value !== '').length
    const found = new Map()
    let hasEnded = false
    const client = new DrillClient(
      { port: this.#port, clientId: 'keeper-looks', clean: true },
      {
        connected: () => void client.subscribe('keep/#', 1),
        message: ({ topic, payload, retain }) => {
          if (topic === 'keep/end') hasEnded = true
          else if (retain) found.set(topic, payload.toString())
        },
      },
    )
    client.start()
    await until(() => found.size >= wanted, PATIENCE_MS)
    // what must not be there had time to come until this message is back
    client.publish('keep/end', '', { qos: 1 })
    await until(() => hasEnded, PATIENCE_MS)
    client.stop()
    return found
  }
}
