/** Smallest payload of a measured message, in bytes: five 32-bit words, little endian. */
export const STAMP_BYTES = 20

const SHORT_PAYLOAD_BYTES = 64

/** Times in stamps are microseconds modulo 2^32: a message may be 35 minutes on its way. */
const MICROSECONDS_MODULO = 0x1_0000_0000

const CHECK = 0
const PUBLISHER = 4
const SEQUENCE = 8
const INTENDED = 12
const DELAY = 16

/** What a measured payload says about itself; one object is read into again and again. */
export class Stamp {
  publisher = 0
  sequence = 0
  /** microseconds on the run's clock, modulo 2^32 */
  intendedUs = 0
  /** from the intended to the real moment of sending, microseconds */
  delayUs = 0
}

/**
 * Writes and reads the beginning of measured payloads: who sent it, which one it is, when it should have left and how much
 * later it did, under a check word; what follows is filler that the seed determines. Hot: no object per message.
 */
export class StampFormat {
  readonly #seed: number
  /** a whole payload; its first STAMP_BYTES mean nothing */
  readonly #filler: Buffer
  readonly #template: string | null
  /** of publishers whose filler is their own */
  readonly #fillers: (Buffer | undefined)[] = []

  /**
   * @param seed of the run: messages of other runs do not pass the check
   * @param payloadBytes at least {@link STAMP_BYTES}
   * @param template what stands behind the stamp, again and again until the payload is full; %i is the number of the
   *   publisher. null: bytes that the seed determines
   */
  constructor(seed: number, payloadBytes: number, template: string | null = null) {
    this.#seed = seed | 0
    this.#template = template
    this.#filler = Buffer.alloc(payloadBytes)
    if (template !== null) {
      if (payloadBytes > STAMP_BYTES) this.#filler.fill(template, STAMP_BYTES)
      return
    }
    let state = seed | 1
    for (let i = 0; i < payloadBytes; i++) {
      state = Math.imul(state, 1_664_525) + 1_013_904_223
      this.#filler[i] = state >>> 24
    }
  }

  get payloadBytes(): number {
    return this.#filler.length
  }

  /** A payload to be stamped, with filler. */
  newPayload(publisher: number): Buffer {
    return Buffer.from(this.#fillerOf(publisher))
  }

  #fillerOf(publisher: number): Buffer {
    if (this.#template === null || !this.#template.includes('%i')) return this.#filler
    const known = this.#fillers[publisher]
    if (known !== undefined) return known
    const filler = this.#filledFor(this.#template, publisher)
    this.#fillers[publisher] = filler
    return filler
  }

  #filledFor(template: string, publisher: number): Buffer {
    const bytes = Buffer.alloc(this.#filler.length)
    if (bytes.length > STAMP_BYTES) bytes.fill(template.replaceAll('%i', String(publisher)), STAMP_BYTES)
    return bytes
  }

  /** @param delayUs microseconds, 0 or more */
  write(bytes: Buffer, offset: number, publisher: number, sequence: number, intendedUs: number, delayUs: number): void {
    const intended = (intendedUs % MICROSECONDS_MODULO) >>> 0
    bytes.writeUInt32LE(publisher, offset + PUBLISHER)
    bytes.writeUInt32LE(sequence, offset + SEQUENCE)
    bytes.writeUInt32LE(intended, offset + INTENDED)
    bytes.writeUInt32LE(delayUs >>> 0, offset + DELAY)
    bytes.writeUInt32LE(checkWord(this.#seed, publisher, sequence, intended, delayUs), offset + CHECK)
  }

  /** @returns false when the payload is not what {@link write} has made: another length, another bit anywhere */
  read(bytes: Buffer, start: number, end: number, into: Stamp): boolean {
    if (end - start !== this.#filler.length) return false
    into.publisher = bytes.readUInt32LE(start + PUBLISHER)
    into.sequence = bytes.readUInt32LE(start + SEQUENCE)
    into.intendedUs = bytes.readUInt32LE(start + INTENDED)
    into.delayUs = bytes.readUInt32LE(start + DELAY)
    const { publisher, sequence, intendedUs, delayUs } = into
    if (bytes.readUInt32LE(start + CHECK) !== checkWord(this.#seed, publisher, sequence, intendedUs, delayUs))
      return false
    if (end - start === STAMP_BYTES) return true
    const filler = this.#fillerOf(publisher)
    if (filler.length <= SHORT_PAYLOAD_BYTES) return isSame(bytes, start, filler)
    return bytes.compare(filler, STAMP_BYTES, filler.length, start + STAMP_BYTES, end) === 0
  }
}

// for so little the way into compare() takes longer than the comparison
function isSame(bytes: Buffer, start: number, filler: Buffer): boolean {
  for (let i = STAMP_BYTES; i < filler.length; i++) if (bytes[start + i] !== filler[i]) return false
  return true
}

/** Microseconds from the moment in a stamp to `nowUs`, over the turn of 2^32; 0 when the stamp is from a clock before ours. */
export function sinceUs(stampedUs: number, nowUs: number): number {
  return Math.max(0, ((nowUs % MICROSECONDS_MODULO) - stampedUs) | 0)
}

function checkWord(seed: number, publisher: number, sequence: number, intendedUs: number, delayUs: number): number {
  let hash = mix(seed ^ publisher)
  hash = mix(hash ^ sequence)
  hash = mix(hash ^ intendedUs)
  return mix(hash ^ delayUs) >>> 0
}

// A bijection of 32-bit numbers: a change in one word always changes the outcome.
function mix(word: number): number {
  let hash = word
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35)
  return hash ^ (hash >>> 16)
}
