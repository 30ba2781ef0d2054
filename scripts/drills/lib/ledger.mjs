// Who was promised what, and what came: every message of a stream is numbered, and every receiver should get each once.

/** Most messages are small; now and then one is larger than what a broker copies into its output. */
const SMALL_BYTES = 16
const LARGE_BYTES = 33_000
const LARGE_EVERY = 251

/** @typedef {{ qos: 1 | 2, sent: number, taken: boolean[] }} Stream taken: by number, has the server acknowledged it? */

/**
 * @typedef {{
 *   lost: number, duplicates1: number, duplicates2: number, outOfOrder: number, corrupt: number
 * }} Account duplicates1: redelivered at QoS 1, which is allowed
 */

/** @param {number} number */
function payloadOf(number) {
  return `${number} `.padEnd(number % LARGE_EVERY === LARGE_EVERY - 1 ? LARGE_BYTES : SMALL_BYTES, 'x')
}

/** What one receiver got of one stream. */
class Receipts {
  /** @type {number[]} how often, by number */
  counts = []
  highest = -1
}

export class Ledger {
  /** @type {Map<string, Stream>} */
  #streams = new Map()
  /** @type {Map<string, { receipts: Map<string, Receipts>, outOfOrder: number, corrupt: number, total: number }>} */
  #receivers = new Map()

  /** @param {string} topic @param {1 | 2} qos */
  addStream(topic, qos) {
    this.#streams.set(topic, { qos, sent: 0, taken: [] })
  }

  /** @param {string} name */
  addReceiver(name) {
    const receipts = new Map([...this.#streams.keys()].map((topic) => [topic, new Receipts()]))
    this.#receivers.set(name, { receipts, outOfOrder: 0, corrupt: 0, total: 0 })
  }

  /**
   * Writes down the next message of a stream.
   * @param {string} topic
   * @returns {{ payload: string, taken: () => void }} taken: to be called when the server has acknowledged it
   */
  next(topic) {
    const stream = this.#stream(topic)
    const number = stream.sent++
    stream.taken[number] = false
    return { payload: payloadOf(number), taken: () => (stream.taken[number] = true) }
  }

  /** @param {string} name @param {string} topic @param {Buffer | string} payload */
  received(name, topic, payload) {
    const receiver = this.#receiver(name)
    const receipts = receiver.receipts.get(topic)
    const text = payload.toString()
    const number = Number.parseInt(text, 10)
    receiver.total++
    if (receipts === undefined || !(number < this.#stream(topic).sent) || text !== payloadOf(number)) {
      receiver.corrupt++
      return
    }
    const count = receipts.counts[number] ?? 0
    receipts.counts[number] = count + 1
    if (count > 0) return
    if (number < receipts.highest) receiver.outOfOrder++
    receipts.highest = Math.max(receipts.highest, number)
  }

  /** How many messages a receiver got, repeated ones too. @param {string} name */
  total(name) {
    return this.#receiver(name).total
  }

  get sent() {
    return [...this.#streams.values()].reduce((sum, { sent }) => sum + sent, 0)
  }

  get acknowledged() {
    return [...this.#streams.values()].reduce((sum, { taken }) => sum + taken.filter((one) => one).length, 0)
  }

  /** @param {string} name @returns {Account} */
  account(name) {
    const { receipts, outOfOrder, corrupt } = this.#receiver(name)
    const account = { lost: 0, duplicates1: 0, duplicates2: 0, outOfOrder, corrupt }
    for (const [topic, { qos, taken }] of this.#streams) {
      const counts = receipts.get(topic)?.counts ?? []
      taken.forEach((isTaken, number) => {
        const count = counts[number] ?? 0
        if (isTaken && count === 0) account.lost++
        if (count > 1) account[qos === 1 ? 'duplicates1' : 'duplicates2'] += count - 1
      })
    }
    return account
  }

  /** @param {string} topic @returns {Stream} */
  #stream(topic) {
    const stream = this.#streams.get(topic)
    if (stream === undefined) throw new Error(`no stream ${topic}`)
    return stream
  }

  /** @param {string} name */
  #receiver(name) {
    const receiver = this.#receivers.get(name)
    if (receiver === undefined) throw new Error(`no receiver ${name}`)
    return receiver
  }
}
