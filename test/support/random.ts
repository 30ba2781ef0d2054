/**
 * Random numbers that can be repeated: everything a test draws comes from one seed. The seed is printed, and
 * MQTT_KIT_SEED repeats a run.
 */
export class Random {
  #state: number

  /** @param seed any integer; neighbouring seeds give unrelated numbers */
  constructor(seed: number) {
    // spreads the bits of small seeds; the generator below needs a state that is not 0
    this.#state = Math.imul(seed ^ 0x5bd1_e995, 0x9e37_79b1) | 1
    for (let i = 0; i < 8; i++) this.next()
  }

  /** 0 to 4,294,967,295: xorshift with 32 bits of state. */
  next(): number {
    let state = this.#state
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    this.#state = state
    return state >>> 0
  }

  /** 0 to limit - 1. */
  below(limit: number): number {
    return Math.floor((this.next() / 0x1_0000_0000) * limit)
  }

  /** minimum to maximum, both included. */
  between(minimum: number, maximum: number): number {
    return minimum + this.below(maximum - minimum + 1)
  }

  /** True once in so many draws. */
  oneIn(count: number): boolean {
    return this.below(count) === 0
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error('nothing to pick from')
    return list[this.below(list.length)]!
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)))
  }
}

/** The seed of this run, told on stderr so that a failure can be repeated. */
export function fuzzSeed(what: string): number {
  const wanted = process.env['MQTT_KIT_SEED']
  const seed = wanted === undefined ? Date.now() % 0x1_0000_0000 : Number(wanted)
  if (!Number.isSafeInteger(seed)) throw new Error(`MQTT_KIT_SEED is no integer: ${wanted}`)
  process.stderr.write(`${what}: MQTT_KIT_SEED=${seed}\n`)
  return seed
}

/** How many cases to try: MQTT_KIT_FUZZ_CASES, or a few for every run. */
export function fuzzCases(few: number): number {
  const wanted = Number(process.env['MQTT_KIT_FUZZ_CASES'] ?? few)
  if (!Number.isSafeInteger(wanted) || wanted < 1) throw new Error('MQTT_KIT_FUZZ_CASES is no positive integer')
  return wanted
}
