import { expect, it } from 'vitest'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { committed, testStore } from './store-suite.ts'

testStore('memory', async () => new MemoryStore())

it('a copy holds what is committed and nothing that is not, and goes its own way', async () => {
  const store = new MemoryStore()
  const first = store.batch()
  first.put(Buffer.from('a'), Buffer.from('1'))
  await committed(first)
  const second = store.batch()
  second.put(Buffer.from('b'), Buffer.from('2'))
  const done = committed(second)
  const copy = store.copy()
  await done

  expect(store.size).toBe(2)
  expect(copy.size).toBe(1)
  expect(copy.getSync(Buffer.from('a'))?.toString()).toBe('1')
})
