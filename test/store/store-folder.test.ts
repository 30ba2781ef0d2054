import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Message } from '../../src/codec/message.ts'
import { KeyKind, retainedKey, sessionKey } from '../../src/store/keys.ts'
import type { LevelStore } from '../../src/store/level/level-store.ts'
import { writeMessage } from '../../src/store/records/message-record.ts'
import { RecordWriter } from '../../src/store/records/record-writer.ts'
import { writeSession } from '../../src/store/records/session-record.ts'
import { checkStamp } from '../../src/store/restore.ts'
import { type Migration, openStoreFolder } from '../../src/store/store-folder.ts'
import { committed } from './store-suite.ts'

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

interface Options {
  readonly repair?: boolean
  readonly migrations?: readonly Migration[]
}

async function openFolder(folder: string, options: Options = {}): Promise<LevelStore & { notes: string[] }> {
  const notes: string[] = []
  const store = await openStoreFolder(folder, { durability: 'process', note: (text) => notes.push(text), ...options })
  onTestFinished(() => store.close())
  return Object.assign(store, { notes })
}

/** Every file with its bytes, and when it was changed. */
function fingerprint(folder: string): Record<string, string> {
  const files: Record<string, string> = {}
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name)
    const found = statSync(path, { bigint: true })
    // to close a file that this process has locked would end the lock
    const content = found.isFile() && name !== join('level', 'LOCK') ? readFileSync(path) : ''
    files[name] =
      `${createHash('sha256').update(content).digest('hex')} ${found.isFile() ? found.mtimeNs : 'directory'}`
  }
  return files
}

async function refused(folder: string, options: Options = {}): Promise<unknown> {
  const before = fingerprint(folder)
  const error: unknown = await openFolder(folder, options).then(
    () => null,
    (reason) => reason,
  )
  expect(fingerprint(folder)).toEqual(before)
  return error
}

const writer = new RecordWriter()

function record(write: () => void): Buffer {
  writer.start()
  write()
  return Buffer.from(writer.value)
}

function session(clientId: string): Buffer {
  const fields = { clientId, owner: null, sessionExpiryIntervalSeconds: 100, endedAtWallMs: 1 }
  return record(() => writeSession(writer, fields))
}

/** A store with a session and 200 retained messages in tables, one more of each in its log: copied as kill -9 leaves it. */
async function killedStore(): Promise<string> {
  const folder = newFolder()
  const first = await openFolder(folder)
  await checkStamp(first)
  const batch = first.batch()
  batch.put(sessionKey(KeyKind.SESSION, 1), session('in a table'))
  for (let i = 0; i < 200; i++)
    batch.put(
      retainedKey(`t/${i}`),
      record(() => writeMessage(writer, Message.create(`t/${i}`, 'x'), 0)),
    )
  await committed(batch)
  await first.close()
  const second = await openFolder(folder)
  const later = second.batch()
  later.put(sessionKey(KeyKind.SESSION, 2), session('in the log'))
  await committed(later)
  const copy = newFolder()
  cpSync(folder, copy, { recursive: true })
  await second.close()
  return copy
}

const level = (folder: string, extension: RegExp) =>
  join(folder, 'level', readdirSync(join(folder, 'level')).filter((name) => extension.test(name))[0]!)

function flipByte(path: string, at: number): void {
  const bytes = readFileSync(path)
  bytes[at]! ^= 0x55
  writeFileSync(path, bytes)
}

describe('the folder of a store', () => {
  it('is made where it is empty or not there, and opened again', async () => {
    const folder = join(newFolder(), 'new', 'store')
    const first = await openFolder(folder)
    await first.close()
    expect(readFileSync(join(folder, 'mqtt-kit-store'), 'latin1')).toBe('mqtt-kit store 1\n')

    await openFolder(folder)
  })

  it('is taken up where its making was cut off', async () => {
    const folder = newFolder()
    writeFileSync(join(folder, 'mqtt-kit-store.new'), 'mqtt')

    await openFolder(folder)
  })

  it('is refused, and left as it is, when it holds something else', async () => {
    const folder = newFolder()
    mkdirSync(join(folder, 'photos'))
    writeFileSync(join(folder, 'mosquitto.db'), 'x')

    expect(await refused(folder)).toMatchObject({
      kind: 'foreign',
      message: expect.stringContaining('mosquitto.db, photos'),
    })
    expect(await refused(folder, { repair: true })).toMatchObject({ kind: 'foreign' })
  })

  it('is refused when it is a file', async () => {
    const folder = newFolder()
    writeFileSync(join(folder, 'file'), 'x')

    await expect(openFolder(join(folder, 'file'))).rejects.toMatchObject({ kind: 'foreign' })
  })

  it('is refused, and left as it is, when a newer version made it', async () => {
    const folder = await killedStore()
    writeFileSync(join(folder, 'mqtt-kit-store'), 'mqtt-kit store 2\n')

    expect(await refused(folder)).toMatchObject({ kind: 'version', message: expect.stringContaining('layout 2') })
  })

  it('is refused, and left as it is, while a broker has it open', async () => {
    const folder = newFolder()
    await openFolder(folder)

    expect(await refused(folder)).toMatchObject({ kind: 'busy' })
    expect(await refused(folder, { repair: true })).toMatchObject({ kind: 'busy' })
  })

  it('is brought from layout to layout, and goes on where it stopped', async () => {
    const folder = await killedStore()
    const ran: string[] = []
    const toTwo: Migration = async (store) => {
      ran.push(`to 2: ${store.getSync(retainedKey('t/7')) === null ? 'empty' : 'with all'}`)
    }
    const failing: Migration = async () => {
      throw new Error('the power went')
    }
    const toThree: Migration = async () => {
      ran.push('to 3')
    }
    await expect(openFolder(folder, { migrations: [toTwo, failing] })).rejects.toThrow('the power went')
    await openFolder(folder, { migrations: [toTwo, toThree] })

    expect(ran).toEqual(['to 2: with all', 'to 3'])
    expect(readFileSync(join(folder, 'mqtt-kit-store'), 'latin1')).toBe('mqtt-kit store 3\n')
  })

  describe.each([
    ['a flipped byte in a table', (folder: string) => flipByte(level(folder, /\.ldb$/), 100)],
    ['a table that is missing', (folder: string) => rmSync(level(folder, /\.ldb$/))],
    ['a manifest of zeros', (folder: string) => writeFileSync(level(folder, /^MANIFEST/), Buffer.alloc(200))],
    ['no CURRENT', (folder: string) => rmSync(level(folder, /^CURRENT$/))],
    ['a flipped byte in the log', (folder: string) => flipByte(level(folder, /\.log$/), 20)],
    ['a broken stamp', (folder: string) => writeFileSync(join(folder, 'mqtt-kit-store'), '')],
  ])('with %s', (_, breakIt) => {
    it('is refused and left as it is, and repaired when that is asked for', async () => {
      const folder = await killedStore()
      breakIt(folder)
      const before = fingerprint(join(folder, 'level'))

      expect(await refused(folder)).toMatchObject({
        kind: 'damaged',
        message: expect.stringContaining('--data-repair'),
      })

      const repaired = await openFolder(folder, { repair: true })
      const [aside] = readdirSync(folder).filter((name) => name.startsWith('set-aside-'))
      if (aside !== undefined) expect(fingerprint(join(folder, aside, 'level'))).toEqual(before)
      expect(repaired.notes.at(-1)).toMatch(/^there are \d sessions, 0 messages on their way to them, \d+ retained/)
      await checkStamp(repaired)
      await repaired.close()
      const again = await openFolder(folder)
      expect(again.notes).toEqual([])
    })
  })

  it('loses by a repair only what is in broken files', async () => {
    const folder = await killedStore()
    rmSync(level(folder, /^CURRENT$/))
    const { notes } = await openFolder(folder, { repair: true })

    expect(notes).toEqual([
      'broken: CURRENT: it is missing',
      expect.stringContaining('set-aside-'),
      'there are 2 sessions, 0 messages on their way to them, 200 retained messages',
    ])
  })

  it('sets aside entries that no broker can use, and sessions of which there is a later one', async () => {
    const folder = newFolder()
    const store = await openFolder(folder)
    const batch = store.batch()
    batch.put(sessionKey(KeyKind.SESSION, 1), session('twice'))
    batch.put(sessionKey(KeyKind.SESSION, 2), session('twice'))
    batch.put(sessionKey(KeyKind.SESSION, 3), Buffer.from('nonsense'))
    batch.put(Buffer.from('?'), Buffer.from('unknown'))
    await committed(batch)
    await store.close()
    const repaired = await openFolder(folder, { repair: true })

    expect(repaired.notes[0]).toMatch(/^3 entries cannot be used and are in .*entries\.jsonl$/)
    expect(repaired.getSync(sessionKey(KeyKind.SESSION, 1))).toBeNull()
    expect(repaired.getSync(sessionKey(KeyKind.SESSION, 2))).not.toBeNull()
  })

  it('says when a power cut has left half a change behind', async () => {
    const folder = await killedStore()
    const log = level(folder, /\.log$/)
    writeFileSync(log, readFileSync(log).subarray(0, -5))
    const { notes } = await openFolder(folder)

    expect(notes).toEqual([expect.stringContaining('half a change')])
  })
})
