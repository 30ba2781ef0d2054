import { button, element, setText } from './element.ts'

/** One column of a Table. */
export interface Column<Item> {
  readonly title: string
  /** `number`, `wide` (left out on small screens), `data` (breaks anywhere) */
  readonly className?: string
  text(item: Item): string
  /** makes the text a button */
  readonly click?: (item: Item) => void
}

/** A table whose rows are kept while their items are there, so that focus and selection stay when it is filled anew. */
export class Table<Item> {
  readonly element: HTMLTableElement
  readonly #columns: readonly Column<Item>[]
  readonly #key: (item: Item) => string
  readonly #body = element('tbody')
  readonly #rows = new Map<string, { row: HTMLTableRowElement; places: Node[]; item: Item }>()

  /** @param caption for those who do not see it @param key tells items apart */
  constructor(caption: string, columns: readonly Column<Item>[], key: (item: Item) => string) {
    this.#columns = columns
    this.#key = key
    const heads = columns.map(({ title, className = '' }) =>
      element('th', { className, attributes: { scope: 'col' } }, title),
    )
    this.element = element(
      'table',
      {},
      element('caption', { className: 'hidden' }, caption),
      element('thead', {}, element('tr', {}, ...heads)),
      this.#body,
    )
  }

  fill(items: readonly Item[]): void {
    const keys = new Set(items.map(this.#key))
    for (const [key, { row }] of this.#rows) {
      if (keys.has(key)) continue
      row.remove()
      this.#rows.delete(key)
    }
    let before: Element | null = this.#body.firstElementChild
    for (const item of items) {
      const row = this.#rowFor(item)
      if (row === before) before = row.nextElementSibling
      else this.#body.insertBefore(row, before)
    }
  }

  #rowFor(item: Item): HTMLTableRowElement {
    const key = this.#key(item)
    const known = this.#rows.get(key) ?? this.#add(key, item)
    known.item = item
    for (const [index, { text }] of this.#columns.entries()) setText(known.places[index]!, text(item))
    return known.row
  }

  #add(key: string, item: Item) {
    const row = element('tr')
    const added = { row, places: [] as Node[], item }
    for (const { className = '', click } of this.#columns) {
      const cell = element('td', { className })
      if (click === undefined) added.places.push(cell)
      else {
        const act = button('', () => click(added.item), 'link data')
        cell.append(act)
        added.places.push(act)
      }
      row.append(cell)
    }
    this.#rows.set(key, added)
    return added
  }
}
