import { expect, it } from 'vitest'
import { Arrival, MAXIMUM_MISSING, SequenceCheck } from '../../src/load/sequence-check.ts'

function arrivals(...sequences: number[]): Arrival[] {
  const check = new SequenceCheck()
  return sequences.map((sequence) => check.arrive(sequence))
}

it('takes numbers in order as new', () => {
  expect(arrivals(0, 1, 2)).toEqual([Arrival.NEW, Arrival.NEW, Arrival.NEW])
})

it('tells a late message from one that comes twice', () => {
  expect(arrivals(0, 2, 1, 1, 2)).toEqual([
    Arrival.NEW,
    Arrival.NEW,
    Arrival.OUT_OF_ORDER,
    Arrival.DUPLICATE,
    Arrival.DUPLICATE,
  ])
})

it('remembers at most so many missing numbers, the latest', () => {
  const last = MAXIMUM_MISSING + 10

  expect(arrivals(last, 0, last - 1)).toEqual([Arrival.NEW, Arrival.DUPLICATE, Arrival.OUT_OF_ORDER])
})
