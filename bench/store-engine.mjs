// What an embedded store costs under the load of a broker: one batch per turn with the messages of that turn, deleted again
// later, read by key while a queue drains, and all of it iterated at start.
//
//   node bench/store-engine.mjs                  classic-level, as src/store/level/level-store.ts uses it
//   node bench/store-engine.mjs --peers DIR      and lmdb, better-sqlite3 from DIR/node_modules, and a bare append-only file
//
// Figures are operations per second, except where a unit stands.
import { closeSync, fdatasync, mkdtempSync, openSync, rmSync, write } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { ClassicLevel } from 'classic-level'

const PER_COMMIT = 1000
const MESSAGES = 200_000
const VALUE = Buffer.alloc(120, 7)

const { values: options } = parseArgs({ options: { peers: { type: 'string' } } })
const requirePeer = createRequire(join(resolve(options.peers ?? '.'), 'package.json'))

/**
 * @typedef {{
 *   put(from: number, count: number): Promise<unknown>, remove(from: number, count: number): Promise<unknown>,
 *   get(i: number): unknown, iterate(): Promise<number>, close(): unknown
 * }} Engine
 */

/** @param {number} i */
function key(i) {
  const bytes = Buffer.allocUnsafe(13)
  bytes[0] = 0x6d
  bytes.writeUInt32BE(i % 1000, 1)
  bytes.writeUInt32BE(0, 5)
  bytes.writeUInt32BE(i, 9)
  return bytes
}

/** @param {string} folder @param {boolean} sync @returns {Promise<Engine>} */
async function classicLevel(folder, sync) {
  const db = new ClassicLevel(folder, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    compression: false,
    writeBufferSize: 16 << 20,
  })
  await db.open()
  return {
    put(from, count) {
      const batch = db.batch()
      for (let i = from; i < from + count; i++) batch.put(/** @type {any} */ (key(i)), /** @type {any} */ (VALUE))
      return batch.write({ sync })
    },
    remove(from, count) {
      const batch = db.batch()
      for (let i = from; i < from + count; i++) batch.del(/** @type {any} */ (key(i)))
      return batch.write({ sync })
    },
    get: (i) => db.getSync(/** @type {any} */ (key(i))),
    async iterate() {
      const iterator = db.iterator({ highWaterMarkBytes: 1 << 20 })
      let count = 0
      for (;;) {
        const chunk = await iterator.nextv(1000)
        if (chunk.length === 0) break
        count += chunk.length
      }
      await iterator.close()
      return count
    },
    close: () => db.close(),
  }
}

/** @param {string} folder @param {boolean} sync @returns {Promise<Engine>} */
async function lmdb(folder, sync) {
  const db = requirePeer('lmdb').open({ path: folder, keyEncoding: 'binary', encoding: 'binary', noSync: !sync })
  return {
    put: (from, count) =>
      db.transaction(() => {
        for (let i = from; i < from + count; i++) db.put(key(i), VALUE)
      }),
    remove: (from, count) =>
      db.transaction(() => {
        for (let i = from; i < from + count; i++) db.remove(key(i))
      }),
    get: (i) => db.get(key(i)),
    iterate: async () => [...db.getRange({})].length,
    close: () => db.close(),
  }
}

/** @param {string} folder @param {boolean} sync @returns {Promise<Engine>} */
async function betterSqlite(folder, sync) {
  const Database = requirePeer('better-sqlite3')
  const db = new Database(`${folder}.sqlite`)
  db.pragma('journal_mode = WAL')
  db.pragma(`synchronous = ${sync ? 'FULL' : 'OFF'}`)
  db.exec('create table kv (k blob primary key, v blob) without rowid')
  const insert = db.prepare('insert or replace into kv values (?, ?)')
  const remove = db.prepare('delete from kv where k = ?')
  const select = db.prepare('select v from kv where k = ?')
  const putAll = db.transaction((/** @type {number} */ from, /** @type {number} */ count) => {
    for (let i = from; i < from + count; i++) insert.run(key(i), VALUE)
  })
  const removeAll = db.transaction((/** @type {number} */ from, /** @type {number} */ count) => {
    for (let i = from; i < from + count; i++) remove.run(key(i))
  })
  return {
    put: async (from, count) => putAll(from, count),
    remove: async (from, count) => removeAll(from, count),
    get: (i) => select.get(key(i)),
    iterate: async () => db.prepare('select k, v from kv order by k').all().length,
    close: () => db.close(),
  }
}

/** Only the writing of a log of one's own: no index, no reading, no compaction. @param {string} folder @param {boolean} sync */
async function appendOnly(folder, sync) {
  const fd = openSync(`${folder}.log`, 'a')
  const entry = Buffer.alloc(8 + 13 + VALUE.length)
  const append = async (/** @type {number} */ count, /** @type {number} */ bytes) => {
    await promisify(write)(fd, Buffer.alloc(count * bytes, entry.subarray(0, bytes)))
    if (sync) await promisify(fdatasync)(fd)
  }
  return {
    put: (/** @type {number} */ _, /** @type {number} */ count) => append(count, entry.length),
    remove: (/** @type {number} */ _, /** @type {number} */ count) => append(count, 21),
    get: () => null,
    iterate: async () => 0,
    close: () => closeSync(fd),
  }
}

/** @param {(from: number, count: number) => Promise<unknown>} change @param {number} perCommit @param {number} total */
async function rate(change, perCommit, total) {
  const began = performance.now()
  for (let i = 0; i < total; i += perCommit) await change(i, perCommit)
  return Math.round(total / ((performance.now() - began) / 1000))
}

/** @param {() => unknown} action */
async function milliseconds(action) {
  const began = performance.now()
  await action()
  return performance.now() - began
}

/** @param {string} name @param {(folder: string, sync: boolean) => Promise<any>} open @param {boolean} sync */
async function measure(name, open, sync) {
  const base = mkdtempSync(join(tmpdir(), 'mqtt-kit-store-'))
  const engine = /** @type {Engine} */ (await open(join(base, 'data'), sync))
  const put = await rate(engine.put, PER_COMMIT, MESSAGES)
  let sum = 0
  const getMs = await milliseconds(() => {
    for (let i = 0; i < 50_000; i++) sum += engine.get((i * 7919) % MESSAGES) === null ? 0 : 1
  })
  let count = 0
  const iterateMs = await milliseconds(async () => (count = await engine.iterate()))
  const remove = await rate(engine.remove, PER_COMMIT, MESSAGES)
  const single = await rate(engine.put, 1, sync ? 2000 : 20_000)
  await engine.close()
  rmSync(base, { recursive: true, force: true })
  const read = sum === 0 ? 'no reading' : `get ${(getMs / 50).toFixed(1)} us`
  const scan = count === 0 ? '' : `iterate ${thousands(count / (iterateMs / 1000))}`
  console.log(
    [
      `${name}${sync ? ', fsync' : ''}`.padEnd(24),
      `put ${thousands(put)}`,
      `delete ${thousands(remove)}`,
      `alone ${thousands(single)}`,
      read,
      scan,
    ].join('  '),
  )
}

/** @param {number} value */
function thousands(value) {
  return Math.round(value).toLocaleString('en').padStart(9)
}

console.log(`${PER_COMMIT} messages of ${VALUE.length} B per commit, "alone": one per commit; Node ${process.version}`)
/** @type {[string, (folder: string, sync: boolean) => Promise<any>][]} */
const engines = [['classic-level', classicLevel]]
if (options.peers !== undefined)
  engines.push(['lmdb', lmdb], ['better-sqlite3', betterSqlite], ['append-only file', appendOnly])
for (const [name, open] of engines) for (const sync of [false, true]) await measure(name, open, sync)
