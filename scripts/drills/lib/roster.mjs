import { DrillClient } from './drill-client.mjs'
import { until } from './until.mjs'

const MEMBERS = 5
const HELD_AT_MOST = 6
const CHANGE_EVERY_MS = 5
const PATIENCE_MS = 5000

/** What a member knows of a filter: SUBACK came, UNSUBACK came, or neither of them before the connection was lost. */
/** @typedef {'held' | 'gone' | 'unsure'} Holding */

/** @typedef {{ sessions: number, subscriptions: number, ghosts: number }} Missing ghosts: ended, and there nevertheless */

/** A session that subscribes and unsubscribes all the time. */
class Member {
  /** @type {Map<string, Holding>} */
  filters = new Map()
  /** @type {Set<string>} topics on which the probe of the running check came */
  received = new Set()
  lostSessions = 0
  isBusy = false
  client
  #name
  #counter = 0
  #isFirst = true
  #currentProbe = ''

  /** @param {number} port @param {string} name */
  constructor(port, name) {
    this.#name = name
    this.client = new DrillClient(
      { port, clientId: name },
      {
        connected: (sessionPresent) => this.#connected(sessionPresent),
        message: ({ topic, payload }) => {
          if (payload.toString() === this.#currentProbe) this.received.add(topic)
        },
      },
    )
  }

  get endTopic() {
    return `${this.#name}/end`
  }

  /** @param {boolean} sessionPresent */
  #connected(sessionPresent) {
    if (!this.#isFirst && !sessionPresent) this.lostSessions++
    // the filter for the end of a check is needed even where the session was lost
    if (!sessionPresent)
      this.client.subscribe(this.endTopic, 1).then(
        () => (this.#isFirst = false),
        () => {},
      )
  }

  /** Subscribes to one more filter, or leaves the oldest. */
  async change() {
    if (this.isBusy || !this.client.isConnected || this.#isFirst) return
    const held = [...this.filters].filter(([, holding]) => holding === 'held').map(([filter]) => filter)
    const leaves = held.length >= HELD_AT_MOST
    const filter = leaves ? /** @type {string} */ (held[0]) : `${this.#name}/${this.#counter++}`
    this.isBusy = true
    this.filters.set(filter, 'unsure')
    try {
      await (leaves ? this.client.unsubscribe(filter) : this.client.subscribe(filter, 1))
      this.filters.set(filter, leaves ? 'gone' : 'held')
    } catch {
      // lost before the answer came: what holds is not known
    } finally {
      this.isBusy = false
    }
  }

  /** @param {string} probe */
  expect(probe) {
    this.#currentProbe = probe
    this.received.clear()
  }

  /** @returns {{ subscriptions: number, ghosts: number }} */
  compare() {
    let subscriptions = 0
    let ghosts = 0
    for (const [filter, holding] of this.filters) {
      if (holding === 'held' && !this.received.has(filter)) subscriptions++
      if (holding === 'gone' && this.received.has(filter)) ghosts++
      if (holding !== 'held') this.filters.delete(filter)
    }
    return { subscriptions, ghosts }
  }
}

/** Sessions whose subscriptions change all the time, and the proof that exactly those are there that were acknowledged. */
export class Roster {
  #members
  #prober
  #probes = 0
  /** @type {NodeJS.Timeout | undefined} */
  #timer

  /** @param {number} port */
  constructor(port) {
    this.#members = Array.from({ length: MEMBERS }, (_, index) => new Member(port, `roster-${index}`))
    this.#prober = new DrillClient({ port, clientId: 'roster-prober', window: 1000 })
  }

  start() {
    this.#prober.start()
    for (const { client } of this.#members) client.start()
    this.#resume()
  }

  stop() {
    clearInterval(this.#timer)
    this.#prober.stop()
    for (const { client } of this.#members) client.stop()
  }

  get isConnected() {
    return this.#prober.isConnected && this.#members.every(({ client }) => client.isConnected)
  }

  #resume() {
    this.#timer = setInterval(() => {
      for (const member of this.#members) void member.change()
    }, CHANGE_EVERY_MS)
  }

  /** @returns {Promise<Missing>} what is missing since the last check */
  async check() {
    clearInterval(this.#timer)
    await until(() => this.#members.every(({ isBusy }) => !isBusy), PATIENCE_MS)
    const probe = `probe ${this.#probes++}`
    for (const member of this.#members) {
      member.expect(probe)
      for (const topic of [...member.filters.keys(), member.endTopic]) this.#prober.publish(topic, probe, { qos: 1 })
    }
    await until(() => this.#members.every(({ received, endTopic }) => received.has(endTopic)), PATIENCE_MS)
    const missing = { sessions: 0, subscriptions: 0, ghosts: 0 }
    for (const member of this.#members) {
      const { subscriptions, ghosts } = member.compare()
      missing.sessions += member.lostSessions
      missing.subscriptions += subscriptions
      missing.ghosts += ghosts
      member.lostSessions = 0
    }
    this.#resume()
    return missing
  }
}
