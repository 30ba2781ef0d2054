import { button, element, setText } from './element.ts'
import { type Column, Table } from './table.ts'
import { numberText } from './text.ts'

/** Rows at once. */
const PAGE_ITEMS = 50
/** A list is asked for again after so many times as long as its answer took. */
const PAUSE_FACTOR = 5
/** Typing is over after this long, in milliseconds. */
const TYPING_MS = 250

/** A part of a list, as the control interface gives it. */
export interface ListPart<Item> {
  readonly total: number
  readonly matched: number
  readonly complete: boolean
  readonly items: readonly Item[]
}

/** How a PagedList is made. */
export interface ListTerms<Item> {
  readonly caption: string
  readonly columns: readonly Column<Item>[]
  key(item: Item): string
  /** more fields of the request */
  readonly fields?: () => object
  fetch(request: object): Promise<ListPart<Item>>
}

/** A table of a list that is too long to be shown, or sent, as a whole: with a search field and buttons for the next part. */
export class PagedList<Item> {
  readonly element: HTMLElement
  readonly tools: HTMLElement
  readonly #terms: ListTerms<Item>
  readonly #table: Table<Item>
  readonly #match: HTMLInputElement
  readonly #place = element('span', { className: 'place', attributes: { role: 'status' } })
  readonly #previous: HTMLButtonElement
  readonly #next: HTMLButtonElement
  readonly #empty = element('p', { className: 'empty' })
  #offset = 0
  #asked = 0
  /** not before, by itself */
  #nextMs = 0

  constructor(terms: ListTerms<Item>, searchLabel: string) {
    this.#terms = terms
    this.#table = new Table(terms.caption, terms.columns, terms.key)
    this.#match = element('input', {
      attributes: { type: 'search', placeholder: searchLabel, 'aria-label': searchLabel, autocomplete: 'off' },
    })
    this.#previous = button('Previous', () => this.#turn(-PAGE_ITEMS))
    this.#next = button('Next', () => this.#turn(PAGE_ITEMS))
    let typing: ReturnType<typeof setTimeout> | undefined
    this.#match.addEventListener('input', () => {
      clearTimeout(typing)
      typing = setTimeout(() => this.restart(), TYPING_MS)
    })
    this.#previous.hidden = this.#next.hidden = this.#table.element.hidden = true
    this.tools = element('div', { className: 'tools' }, this.#match)
    const pager = element('div', { className: 'pager' }, this.#place, this.#previous, this.#next)
    const scroller = element('div', { className: 'scroller' }, this.#table.element)
    this.element = element('div', {}, this.tools, scroller, this.#empty, pager)
  }

  /** Shows the first part, of what is asked for now. */
  restart(): void {
    this.#turn(-this.#offset)
  }

  #turn(by: number): void {
    this.#offset = Math.max(0, this.#offset + by)
    void this.#ask()
  }

  /** Asks anew, unless the last answer took so long that it would keep the broker busy. */
  async refresh(): Promise<void> {
    if (performance.now() >= this.#nextMs) await this.#ask()
  }

  // What fails is shown by who is asked.
  async #ask(): Promise<void> {
    const beganMs = performance.now()
    const { fetch, fields } = this.#terms
    const asked = ++this.#asked
    const match = this.#match.value
    let part: ListPart<Item>
    try {
      part = await fetch({ offset: this.#offset, limit: PAGE_ITEMS, ...(match === '' ? {} : { match }), ...fields?.() })
    } catch {
      return
    }
    this.#nextMs = performance.now() + (performance.now() - beganMs) * PAUSE_FACTOR
    // an answer to an older question
    if (asked !== this.#asked) return
    if (part.items.length === 0 && this.#offset > 0) return this.restart()
    this.#table.fill(part.items)
    this.#show(part)
  }

  #show({ items, matched, total, complete }: ListPart<Item>): void {
    const found = matched < total ? `${numberText(matched)}${complete ? '' : ' or more'} of ` : ''
    const range = `${numberText(this.#offset + 1)}–${numberText(this.#offset + items.length)}`
    setText(this.#place, items.length === 0 ? '' : `${range} of ${found}${numberText(total)}`)
    setText(this.#empty, items.length > 0 ? '' : total === 0 ? 'There is nothing yet.' : 'Nothing matches.')
    this.#table.element.hidden = items.length === 0
    this.#previous.hidden = this.#next.hidden = matched <= PAGE_ITEMS
    this.#previous.disabled = this.#offset === 0
    this.#next.disabled = this.#offset + items.length >= matched
  }
}
