import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Durability, LevelStore } from '../../src/store/level/level-store.ts'
import { committed, testStore } from './store-suite.ts'

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

testStore('LevelDB, fit for the end of the process', () => LevelStore.open(newFolder(), { durability: 'process' }))
testStore('LevelDB, fit for a power cut', () => LevelStore.open(newFolder(), { durability: 'power' }))

describe('a store in LevelDB', () => {
  it.each(['process', 'power'] as Durability[])(
    'finds at the next start what was committed: %s',
    async (durability) => {
      const folder = newFolder()
      const first = await LevelStore.open(folder, { durability })
      const batch = first.batch()
      batch.put(Buffer.from('a'), Buffer.from('1'))
      await committed(batch)
      first.batch().put(Buffer.from('b'), Buffer.from('never committed'))
      await first.close()
      const second = await LevelStore.open(folder, { durability })
      onTestFinished(() => second.close())

      expect(second.getSync(Buffer.from('a'))?.toString()).toBe('1')
      expect(second.getSync(Buffer.from('b'))).toBeNull()
    },
  )

  it('is refused while another one is open', async () => {
    const folder = newFolder()
    const first = await LevelStore.open(folder, { durability: 'process' })
    onTestFinished(() => first.close())

    await expect(LevelStore.open(folder, { durability: 'process' })).rejects.toMatchObject({ kind: 'busy' })
  })

  it('refuses what adds when the disk is nearly full, and goes on removing', async () => {
    const store = await LevelStore.open(newFolder(), { durability: 'process', reserveBytes: Number.MAX_SAFE_INTEGER })
    onTestFinished(() => store.close())
    const adding = store.batch()
    adding.put(Buffer.from('a'), Buffer.from('1'))
    await expect(committed(adding)).rejects.toMatchObject({ kind: 'full' })
    expect(store.getSync(Buffer.from('a'))).toBeNull()
    const removing = store.batch()
    removing.delete(Buffer.from('b'))

    await committed(removing)
  })
})
