import { expect, it } from 'vitest'
import { Random } from '../support/random.ts'
import { formatScript, type Operation, type Script } from './operations.ts'
import { scriptFor } from './random-script.ts'
import { shrink } from './shrink.ts'

it('leaves exactly the operations, and their fields, without which a script does not fail', async () => {
  const { limits, operations } = scriptFor(new Random(1), 200)
  const one: Operation = { do: 'publish', slot: 1, topic: 'a', qos: 1, retain: true, properties: { messageExpiry: 3 } }
  const other: Operation = {
    do: 'subscribe',
    slot: 2,
    filters: [{ filter: 'b' }, { filter: 'a', qos: 2, noLocal: true }],
  }
  const script: Script = { limits, operations: [...operations.slice(0, 70), one, ...operations.slice(70), other] }
  const short = await shrink(script, async (candidate) => {
    const published = candidate.operations.findIndex((operation) => operation.do === 'publish' && operation.retain)
    const subscribed = candidate.operations.findLastIndex(
      (operation) => operation.do === 'subscribe' && operation.filters.some(({ noLocal }) => noLocal),
    )
    return published >= 0 && subscribed > published
  })
  expect(short.operations).toMatchObject([
    { do: 'publish', retain: true },
    { do: 'subscribe', filters: [{ noLocal: true }] },
  ])
  const [publish, subscribe] = short.operations
  expect(Object.keys(publish!).sort()).toEqual(expect.not.arrayContaining(['qos', 'properties']))
  expect(subscribe).toMatchObject({ filters: [{ filter: expect.any(String), noLocal: true }] })
})

it('prints a script as code that means the same', () => {
  const script = scriptFor(new Random(2), 50)
  const text = formatScript(script).replace('const script: Script = ', '')
  expect(new Function(`return ${text}`)()).toEqual(script)
})
