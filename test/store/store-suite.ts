import { describe, expect, it, onTestFinished } from 'vitest'
import type { Store, StoreBatch } from '../../src/store/store.ts'

const START = Buffer.alloc(0)
const bytes = (text: string) => Buffer.from(text, 'latin1')

/** Commits and waits. */
export function committed(batch: StoreBatch): Promise<void> {
  return new Promise((resolve, reject) => batch.commit((error) => (error === null ? resolve() : reject(error))))
}

async function contents(store: Store, from = START, until: Buffer | null = null): Promise<string[]> {
  const found: string[] = []
  for await (const chunk of store.entries(from, until)) {
    for (const [key, value] of chunk) found.push(`${key.toString('latin1')}=${value.toString('latin1')}`)
  }
  return found
}

async function fill(store: Store, entries: Record<string, string>): Promise<void> {
  const batch = store.batch()
  for (const [key, value] of Object.entries(entries)) batch.put(bytes(key), bytes(value))
  await committed(batch)
}

/**
 * What every store does, however it keeps things.
 * @param make an empty store; the suite closes it
 */
export function testStore(name: string, make: () => Promise<Store>): void {
  const open = async () => {
    const store = await make()
    onTestFinished(() => store.close())
    return store
  }

  describe(`a store in ${name}`, () => {
    it('gives back what was committed, and null for what was not', async () => {
      const store = await open()
      await fill(store, { a: '1', '': 'empty key', 'empty value': '' })

      expect(store.getSync(bytes('a'))).toEqual(bytes('1'))
      expect(store.getSync(bytes(''))).toEqual(bytes('empty key'))
      expect(store.getSync(bytes('empty value'))).toEqual(bytes(''))
      expect(store.getSync(bytes('b'))).toBeNull()
    })

    it('takes any bytes as key and value', async () => {
      const store = await open()
      const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
      const batch = store.batch()
      batch.put(all, all)
      await committed(batch)

      expect(store.getSync(all)).toEqual(all)
    })

    it('replaces values and removes keys, whether they were there or not', async () => {
      const store = await open()
      await fill(store, { a: '1', b: '2' })
      const batch = store.batch()
      batch.put(bytes('a'), bytes('3'))
      batch.delete(bytes('b'))
      batch.delete(bytes('c'))
      expect(batch.length).toBe(3)
      await committed(batch)

      expect(await contents(store)).toEqual(['a=3'])
    })

    it('lets the last operation on a key count', async () => {
      const store = await open()
      const batch = store.batch()
      batch.put(bytes('a'), bytes('1'))
      batch.delete(bytes('a'))
      batch.delete(bytes('b'))
      batch.put(bytes('b'), bytes('2'))
      await committed(batch)

      expect(await contents(store)).toEqual(['b=2'])
    })

    it('copies keys and values at once, so their memory may be used again', async () => {
      const store = await open()
      const key = bytes('key')
      const value = bytes('value')
      const batch = store.batch()
      batch.put(key, value)
      key.fill(0)
      value.fill(0)
      await committed(batch)

      expect(await contents(store)).toEqual(['key=value'])
    })

    it('reports the end of a commit in a later turn, also of an empty one', async () => {
      const store = await open()
      let calls = 0
      await new Promise<void>((resolve) => {
        store.batch().commit((error) => {
          expect(error).toBeNull()
          calls++
          resolve()
        })
        expect(calls).toBe(0)
      })
    })

    it('iterates in the order of bytes, from the first bound up to before the second', async () => {
      const store = await open()
      await fill(store, { b: '3', '\xff': '6', a: '1', 'a\x00': '2', '\x7f': '4', '\x80': '5' })

      expect(await contents(store)).toEqual(['a=1', 'a\x00=2', 'b=3', '\x7f=4', '\x80=5', '\xff=6'])
      expect(await contents(store, bytes('a\x00'), bytes('\x80'))).toEqual(['a\x00=2', 'b=3', '\x7f=4'])
      expect(await contents(store, bytes('\x80'))).toEqual(['\x80=5', '\xff=6'])
      expect(await contents(store, bytes('c'), bytes('d'))).toEqual([])
    })

    it('iterates over what there was when it began', async () => {
      const store = await open()
      const names = Array.from({ length: 5000 }, (_, i) => `k${String(i).padStart(4, '0')}`)
      await fill(store, Object.fromEntries(names.map((one) => [one, '1'])))
      const seen: string[] = []
      for await (const chunk of store.entries(START, null)) {
        if (seen.length === 0) {
          const batch = store.batch()
          batch.delete(bytes('k4999'))
          batch.put(bytes('k4998x'), bytes('1'))
          await committed(batch)
        }
        seen.push(...chunk.map(([key]) => key.toString('latin1')))
      }

      expect(seen).toEqual(names)
      expect(store.getSync(bytes('k4999'))).toBeNull()
    })

    it('lets iteration be left in the middle', async () => {
      const store = await open()
      await fill(store, { a: '1', b: '2' })
      for await (const chunk of store.entries(START, null)) {
        expect(chunk.length).toBeGreaterThan(0)
        break
      }

      expect(await contents(store)).toEqual(['a=1', 'b=2'])
    })

    it('waits for a commit under way when it is closed', async () => {
      const store = await make()
      let isDone = false
      const batch = store.batch()
      batch.put(bytes('a'), bytes('1'))
      batch.commit((error) => {
        expect(error).toBeNull()
        isDone = true
      })
      await store.close()

      expect(isDone).toBe(true)
    })
  })
}
