import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Durability, LevelStore } from '../../src/store/level/level-store.ts'
import { StoreError } from '../../src/store/store.ts'
import { smallDisk } from '../support/small-disk.ts'
import { committed } from './store-suite.ts'

const DISK_MIB = 64
const VALUE = Buffer.alloc(50_000, 1)

describe('a store in LevelDB on a full disk', () => {
  it.each(['process', 'power'] as Durability[])(
    'refuses, keeps what was committed, goes on: %s',
    async (durability) => {
      const disk = smallDisk(DISK_MIB)
      if (disk === null) return
      const folder = join(disk, 'store')
      const ballast = join(disk, 'ballast')
      const store = await LevelStore.open(folder, { durability, reserveBytes: 0 })
      const kept: string[] = []
      let count = 0
      const put = async () => {
        const key = `key ${count++}`
        const batch = store.batch()
        batch.put(Buffer.from(key), VALUE)
        await committed(batch)
        kept.push(key)
      }
      const refused = async (times: number) => {
        for (let errors = 0; errors < times; ) {
          await put().catch((error: unknown) => {
            expect(error).toBeInstanceOf(StoreError)
            expect(error).toMatchObject({ kind: 'full' })
            errors++
          })
        }
      }
      writeFileSync(ballast, Buffer.alloc((DISK_MIB - 4) * 1_048_576))
      await refused(3)

      expect(kept.length).toBeGreaterThan(10)
      expect(store.getSync(Buffer.from(kept.at(-1)!))?.equals(VALUE)).toBe(true)

      rmSync(ballast)
      await refused(1)
      for (let i = 0; i < 10; i++) await put()
      await store.close()

      const again = await LevelStore.open(folder, { durability })
      expect(kept.filter((key) => !again.getSync(Buffer.from(key))?.equals(VALUE))).toEqual([])
      await again.close()
    },
  )
})
