import { describe, expect, it } from 'vitest'
import { MAXIMUM_SCANNED, PageScan, SCANNED_PER_TURN } from '../../src/broker/control-page.ts'
import { ControlSearches } from '../../src/broker/control-searches.ts'

function* numbers(count: number) {
  for (let number = 0; number < count; number++) yield number
}

const describe1 = (number: number) => `n${number}`

/** Terms for the first so many numbers. */
function terms(total: number, offset: number, limit: number, isWanted: ((number: number) => boolean) | null = null) {
  return { entries: numbers(total), total, request: { offset, limit }, isWanted, describe: describe1 }
}

function pageOf(...given: Parameters<typeof terms>) {
  const scan = new PageScan(terms(...given))
  while (scan.step());
  return scan.page
}

describe('a part of a list', () => {
  it('is taken without looking at what lies behind it', () => {
    let looked = 0
    function* counted() {
      for (const number of numbers(1000)) {
        looked++
        yield number
      }
    }
    const scan = new PageScan({ ...terms(1000, 2, 3), entries: counted() })

    expect(scan.step()).toBe(false)
    expect(scan.page).toEqual({ total: 1000, matched: 1000, complete: true, offset: 2, items: ['n2', 'n3', 'n4'] })
    expect(looked).toBe(5)
  })

  it('is of what is wanted, which is counted to the end', () => {
    expect(pageOf(11, 4, 1, (number) => number % 2 === 0)).toEqual({
      total: 11,
      matched: 6,
      complete: true,
      offset: 4,
      items: ['n8'],
    })
  })

  it('is looked for up to a bound, and says so', () => {
    const isLate = (number: number) => number >= MAXIMUM_SCANNED - 1

    expect(pageOf(MAXIMUM_SCANNED, 0, 100, isLate)).toMatchObject({ matched: 1, complete: true })
    expect(pageOf(MAXIMUM_SCANNED + 10, 0, 100, isLate)).toEqual({
      total: MAXIMUM_SCANNED + 10,
      matched: 1,
      complete: false,
      offset: 0,
      items: [`n${MAXIMUM_SCANNED - 1}`],
    })
  })
})

describe('searches', () => {
  const isLast = (number: number) => number === 3 * SCANNED_PER_TURN - 1
  const long = () => terms(3 * SCANNED_PER_TURN, 0, 1, isLast)

  it('answer at once when it is not far, and else let others go on meanwhile', async () => {
    const searches = new ControlSearches()
    const order: string[] = []

    const near = searches.take(terms(10, 0, 1))
    const far = searches.take(long())
    setImmediate(() => order.push('others'))
    const { items } = await far
    order.push(...items)

    expect(near).toMatchObject({ items: ['n0'] })
    expect(order).toEqual(['others', `n${3 * SCANNED_PER_TURN - 1}`])
  })

  it('are bounded in number', async () => {
    const searches = new ControlSearches()
    const running = Array.from({ length: 4 }, () => searches.take(long()))

    expect(() => searches.take(long())).toThrow('4 searches through long lists are under way: ask again later')
    expect(searches.take(terms(10, 0, 1))).toMatchObject({ items: ['n0'] })
    await Promise.all(running)
    expect(await searches.take(long())).toMatchObject({ matched: 1 })
  })
})
