import { describe, expect, it } from 'vitest'
import { MAXIMUM_SCANNED, pageOf } from '../../src/broker/control-page.ts'

function* numbers(count: number) {
  for (let number = 0; number < count; number++) yield number
}

const describeNumber = (number: number) => `n${number}`

describe('a part of a list', () => {
  it('is taken without looking at what lies behind it', () => {
    let looked = 0
    function* counted() {
      for (const number of numbers(1000)) {
        looked++
        yield number
      }
    }

    expect(pageOf(counted(), 1000, { offset: 2, limit: 3 }, null, describeNumber)).toEqual({
      total: 1000,
      matched: 1000,
      complete: true,
      offset: 2,
      items: ['n2', 'n3', 'n4'],
    })
    expect(looked).toBe(5)
  })

  it('is of what is wanted, which is counted to the end', () => {
    const isEven = (number: number) => number % 2 === 0

    expect(pageOf(numbers(11), 11, { offset: 4, limit: 1 }, isEven, describeNumber)).toEqual({
      total: 11,
      matched: 6,
      complete: true,
      offset: 4,
      items: ['n8'],
    })
  })

  it('is looked for up to a bound, and says so', () => {
    const total = MAXIMUM_SCANNED + 10
    const isLate = (number: number) => number >= MAXIMUM_SCANNED - 1

    expect(pageOf(numbers(total), total, { offset: 0, limit: 100 }, isLate, describeNumber)).toEqual({
      total,
      matched: 1,
      complete: false,
      offset: 0,
      items: [`n${MAXIMUM_SCANNED - 1}`],
    })
  })
})
