import { type ControlPage, PageScan, type ScanTerms } from './control-page.ts'
import { ControlError } from './control-request.ts'

/** Searches through long lists that are under way at once. */
const MAXIMUM_SEARCHES = 4

/** Takes parts of lists: a short way at once, a long one bit by bit, turn after turn, so that messages go on meanwhile. */
export class ControlSearches {
  #underWay = 0

  /** @throws ControlError when too many are under way */
  take<Entry, Item>(terms: ScanTerms<Entry, Item>): ControlPage<Item> | Promise<ControlPage<Item>> {
    const scan = new PageScan(terms)
    if (!scan.step()) return scan.page
    if (this.#underWay === MAXIMUM_SEARCHES) {
      throw new ControlError(`${MAXIMUM_SEARCHES} searches through long lists are under way: ask again later`)
    }
    return this.#finish(scan)
  }

  async #finish<Entry, Item>(scan: PageScan<Entry, Item>): Promise<ControlPage<Item>> {
    this.#underWay++
    do await new Promise((resolve) => setImmediate(resolve))
    while (scan.step())
    this.#underWay--
    return scan.page
  }
}
