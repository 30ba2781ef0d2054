import type { ControlRequest } from './control-request.ts'

/** Entries that one request looks at; what lies behind is not searched. 200,000 take about 20 ms. */
export const MAXIMUM_SCANNED = 200_000

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

/**
 * Takes a part of a list, in its order.
 * @param isWanted null: all of it, and nothing is counted that is not taken
 */
export function pageOf<Entry, Item>(
  entries: Iterable<Entry>,
  total: number,
  { offset, limit }: Pick<ControlRequest, 'offset' | 'limit'>,
  isWanted: ((entry: Entry) => boolean) | null,
  describe: (entry: Entry) => Item,
): ControlPage<Item> {
  const items: Item[] = []
  let scanned = 0
  let matched = 0
  for (const entry of entries) {
    if (scanned === MAXIMUM_SCANNED) return { total, matched, complete: false, offset, items }
    scanned++
    if (isWanted !== null && !isWanted(entry)) continue
    if (matched >= offset && items.length < limit) items.push(describe(entry))
    matched++
    if (isWanted === null && items.length === limit) break
  }
  return { total, matched: isWanted === null ? total : matched, complete: true, offset, items }
}
