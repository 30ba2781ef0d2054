import { expect, it } from 'vitest'
import { Message } from '../../src/codec/message.ts'
import { Delivery } from '../../src/session/delivery.ts'
import { InFlight } from '../../src/session/in-flight.ts'
import { fuzzSeed, Random } from '../support/random.ts'

const message = Message.create('a', 'b', { qos: 1 })

function delivery(packetId: number): Delivery {
  const one = new Delivery(message, 1, false, null)
  one.packetId = packetId
  return one
}

it('finds what is open, in the order of its sending, whatever stays open while identifiers come round', () => {
  const random = new Random(fuzzSeed('in flight'))
  const inFlight = new InFlight()
  const model = new Map<number, Delivery>()
  let last = 65_000
  for (let step = 0; step < 20_000; step++) {
    if (random.below(100) < 52) {
      // mostly the next one, at times far ahead, as after a wrap with old ones still open
      last = (last + (random.oneIn(50) ? random.below(5000) : 1)) % 65_535
      if (model.has(last + 1)) continue
      const one = delivery(last + 1)
      inFlight.add(one)
      model.set(last + 1, one)
    } else {
      const open = [...model.keys()]
      const id =
        random.oneIn(10) || open.length === 0
          ? random.between(1, 65_535)
          : open[random.below(Math.min(open.length, 5))]!
      expect(inFlight.get(id)).toBe(model.get(id))
      expect(inFlight.delete(id)).toBe(model.delete(id))
      expect(inFlight.has(id)).toBe(false)
    }
    expect(inFlight.size).toBe(model.size)
    if (step % 100 === 0) expect(inFlight.inOrder()).toEqual([...model.values()])
  }
  for (const [id, one] of model) expect(inFlight.get(id)).toBe(one)

  inFlight.clear()
  expect([inFlight.size, inFlight.inOrder(), inFlight.get(last + 1)]).toEqual([0, [], undefined])
})

it('holds all 65,535 at once', () => {
  const inFlight = new InFlight()
  const all = Array.from({ length: 65_535 }, (_, index) => delivery(((index + 40_000) % 65_535) + 1))
  for (const one of all) inFlight.add(one)

  expect(all.every((one) => inFlight.get(one.packetId) === one)).toBe(true)
  expect(inFlight.inOrder()).toEqual(all)
})
