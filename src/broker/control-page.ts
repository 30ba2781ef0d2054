import type { ControlRequest } from './control-request.ts'

/** Entries that one request looks at; what lies behind is not searched. */
export const MAXIMUM_SCANNED = 1_000_000
/** Entries that are looked at in one turn of the event loop, so that a search holds nobody up: some milliseconds. */
export const SCANNED_PER_TURN = 2_000

/** A part of a list. */
export interface ControlPage<Item> {
  /** entries of the whole list */
  readonly total: number
  /** entries that match, as far as was looked */
  readonly matched: number
  /** false: the list is longer than what one request looks at */
  readonly complete: boolean
  readonly offset: number
  readonly items: readonly Item[]
}

/** What a PageScan takes out of which list. */
export interface ScanTerms<Entry, Item> {
  readonly entries: Iterable<Entry>
  /** how many there are */
  readonly total: number
  readonly request: Pick<ControlRequest, 'offset' | 'limit'>
  /** null: all of it, and nothing is counted that is not taken */
  readonly isWanted: ((entry: Entry) => boolean) | null
  readonly describe: (entry: Entry) => Item
}

/** Takes a part of a list, in its order. */
export class PageScan<Entry, Item> {
  readonly #terms: ScanTerms<Entry, Item>
  readonly #entries: Iterator<Entry>
  readonly #items: Item[] = []
  #scanned = 0
  #matched = 0
  #isComplete = true

  constructor(terms: ScanTerms<Entry, Item>) {
    this.#terms = terms
    this.#entries = terms.entries[Symbol.iterator]()
  }

  /** Looks at the next entries. @returns false when that was the last of them */
  step(): boolean {
    for (let looked = 0; looked < SCANNED_PER_TURN; looked++) {
      if (this.#hasEnough) return false
      const { done, value } = this.#entries.next()
      if (done) return false
      if (this.#scanned === MAXIMUM_SCANNED) {
        this.#isComplete = false
        return false
      }
      this.#scanned++
      this.#look(value)
    }
    return true
  }

  get #hasEnough(): boolean {
    const { isWanted, request } = this.#terms
    return isWanted === null && this.#items.length === request.limit
  }

  #look(entry: Entry): void {
    const { isWanted, describe, request } = this.#terms
    if (isWanted !== null && !isWanted(entry)) return
    if (this.#matched >= request.offset && this.#items.length < request.limit) this.#items.push(describe(entry))
    this.#matched++
  }

  get page(): ControlPage<Item> {
    const { isWanted, total, request } = this.#terms
    const matched = isWanted === null ? total : this.#matched
    return { total, matched, complete: this.#isComplete, offset: request.offset, items: this.#items }
  }
}
