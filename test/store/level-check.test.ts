import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { checkLevelFiles } from '../../src/store/level/check.ts'
import { crc32c } from '../../src/store/level/crc32c.ts'
import { LevelStore } from '../../src/store/level/level-store.ts'
import { committed } from './store-suite.ts'

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

async function fill(folder: string, prefix: string): Promise<LevelStore> {
  const store = await LevelStore.open(folder, { durability: 'process' })
  for (let i = 0; i < 200; i++) {
    const batch = store.batch()
    batch.put(Buffer.from(`${prefix} ${i}`), Buffer.alloc(500, i))
    await committed(batch)
  }
  return store
}

/** A database with tables, a log and a manifest of several edits, as kill -9 leaves it: copied while it is open. */
async function usedDatabase(): Promise<string> {
  const folder = newFolder()
  await (await fill(folder, 'a')).close()
  await (await fill(folder, 'b')).close()
  const open = await fill(folder, 'c')
  const copy = newFolder()
  cpSync(folder, copy, { recursive: true })
  await open.close()
  return copy
}

const only = (folder: string, extension: RegExp) => readdirSync(folder).filter((name) => extension.test(name))[0]!

describe('the check of files of LevelDB', () => {
  it('computes CRC-32C as everybody does', () => {
    // "check" value of CRC-32/ISCSI
    expect(crc32c(Buffer.from('123456789'), 0, 9)).toBe(0xe306_9283)
    expect(crc32c(Buffer.alloc(32), 0, 32)).toBe(0x8a91_36aa)
  })

  it('finds nothing wrong with a database that was killed, a new one, and none', async () => {
    const folder = newFolder()

    expect(await checkLevelFiles(join(folder, 'none'))).toMatchObject({ damages: [], tornBytes: 0 })
    expect(await checkLevelFiles(folder)).toMatchObject({ damages: [], tornBytes: 0 })
    expect(await checkLevelFiles(await usedDatabase())).toMatchObject({ damages: [], tornBytes: 0 })
  })

  it.each([
    ['a table', /\.ldb$/],
    ['the manifest', /^MANIFEST/],
    ['the log', /\.log$/],
    ['CURRENT', /^CURRENT$/],
  ])('notices that %s is missing', async (_, extension) => {
    const folder = await usedDatabase()
    const name = only(folder, extension)
    rmSync(join(folder, name))

    expect((await checkLevelFiles(folder)).damages).toEqual([`${name}: it is missing`])
  })

  it.each([
    ['a table', /\.ldb$/],
    ['the manifest', /^MANIFEST/],
    ['the log', /\.log$/],
    ['CURRENT', /^CURRENT$/],
  ])('notices every flipped byte of %s', async (_, extension) => {
    const folder = await usedDatabase()
    const path = join(folder, only(folder, extension))
    const bytes = readFileSync(path)
    const step = Math.max(1, Math.floor(bytes.length / 25))
    for (let at = 0; at < bytes.length; at += step) {
      const flipped = Buffer.from(bytes)
      flipped[at]! ^= 0x55
      writeFileSync(path, flipped)

      expect((await checkLevelFiles(folder)).damages, `byte ${at} of ${path}`).toHaveLength(1)
    }
  })

  it.each([
    ['a table', /\.ldb$/],
    ['the manifest', /^MANIFEST/],
    ['CURRENT', /^CURRENT$/],
  ])('notices that %s was cut off', async (_, extension) => {
    const folder = await usedDatabase()
    const path = join(folder, only(folder, extension))
    truncateSync(path, readFileSync(path).length - 3)

    expect((await checkLevelFiles(folder)).damages).toHaveLength(1)
  })

  it('tells a log that ends within a record from a broken one: a power cut does that', async () => {
    const folder = await usedDatabase()
    const path = join(folder, only(folder, /\.log$/))
    const bytes = readFileSync(path)
    truncateSync(path, bytes.length - 3)
    const cut = await checkLevelFiles(folder)
    writeFileSync(path, Buffer.concat([bytes, Buffer.alloc(1000)]))
    const zeros = await checkLevelFiles(folder)

    expect(cut.damages).toEqual([])
    expect(cut.tornBytes).toBeGreaterThan(0)
    expect(zeros).toMatchObject({ damages: [], tornBytes: 1000 })
  })
})
