import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { checkLevelFiles } from './level/check.ts'
import { LevelStore, type LevelStoreOptions } from './level/level-store.ts'
import { assertNotInUse } from './level/lock.ts'
import { type Store, StoreError } from './store.ts'

/** What is in a folder of a store: the stamp, the database, and what repairs have set aside. */
const STAMP = 'mqtt-kit-store'
const UNFINISHED_STAMP = `${STAMP}.new`
const DATABASE = 'level'
/** a file system of its own has this in its uppermost folder */
const OF_THE_DISK = 'lost+found'

/** How a folder of a store is opened. */
export interface StoreFolderOptions extends LevelStoreOptions {
  /** sets aside what is broken instead of refusing */
  readonly repair?: boolean
  /** hears what people should know though it is no error */
  note(text: string): void
  /** other ways than those of this version: for tests */
  readonly migrations?: readonly Migration[]
}

/**
 * Brings a store from one layout to the next one. It may be run again on what it has done in part: the stamp is changed when it has
 * ended.
 */
export type Migration = (store: Store) => Promise<void>

/** The first one brings layout 1 to layout 2, and so on. The layout of this version is the number of them and one more. */
const MIGRATIONS: readonly Migration[] = []

/**
 * Opens the store in a folder, and makes it where the folder is empty or not there.
 *
 * @throws StoreError (rejects) foreign, version, damaged or busy: then nothing in the folder was changed; full or io
 */
export async function openStoreFolder(folder: string, options: StoreFolderOptions): Promise<LevelStore> {
  const { repair = false, migrations = MIGRATIONS, note } = options
  const layout = migrations.length + 1
  try {
    const found = await readStamp(folder, layout, repair)
    const database = join(folder, DATABASE)
    await assertNotInUse(database)
    if (found === null) await writeStamp(folder, layout)
    const { damages, tornBytes } = await checkLevelFiles(database)
    if (tornBytes > 0)
      note(`the last ${tornBytes} bytes of ${folder} are half a change: the machine stopped while it was written`)
    if (damages.length > 0 && !repair) throw damaged(folder, damages)
    if (repair) {
      const { repairStore } = await import('./repair.ts')
      await repairStore({ folder, database, damages, note })
      await writeStamp(folder, found ?? layout)
    }
    const store = await LevelStore.open(database, options)
    await migrate(store, folder, found ?? layout, migrations)
    return store
  } catch (error) {
    throw error instanceof StoreError ? error : ioError(folder, error as NodeJS.ErrnoException)
  }
}

/** Takes a store away from a folder, with everything in it; the folder itself stays. The store must be closed. */
export async function removeStoreFiles(folder: string): Promise<void> {
  for (const name of [STAMP, DATABASE]) await rm(join(folder, name), { recursive: true, force: true })
}

function damaged(folder: string, damages: readonly string[]): StoreError {
  const more = damages.length > 3 ? `; and ${damages.length - 3} more` : ''
  return new StoreError(
    'damaged',
    `the store ${folder} is damaged: ${damages.slice(0, 3).join('; ')}${more}. Nothing was changed; with --data-repair what is ` +
      'broken is set aside, and the broker goes on with the rest',
  )
}

function ioError(folder: string, error: NodeJS.ErrnoException): StoreError {
  const kind = error.code === 'ENOSPC' || error.code === 'EDQUOT' ? 'full' : 'io'
  return new StoreError(kind, `the store ${folder} cannot be used: ${error.message}`, error)
}

/** @returns the layout that the stamp tells; null: a new store */
async function readStamp(folder: string, layout: number, repair: boolean): Promise<number | null> {
  await mkdir(folder, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  if (!(await stat(folder)).isDirectory())
    throw new StoreError('foreign', `${folder} is a file; a store is a directory`)
  const names = (await readdir(folder)).filter((name) => name !== OF_THE_DISK && name !== UNFINISHED_STAMP)
  if (names.length === 0) return null
  if (!names.includes(STAMP)) {
    const examples = names.slice(0, 3).join(', ')
    throw new StoreError(
      'foreign',
      `${folder} is not empty and no store of mqtt-kit: it has ${examples}${names.length > 3 ? ' ...' : ''} and no file ${STAMP}. ` +
        'Nothing was changed; name an empty directory or one that is not there yet',
    )
  }
  const text = await readFile(join(folder, STAMP), 'utf8')
  const found = /^mqtt-kit store (\d{1,9})\n$/.exec(text)
  if (found === null) {
    if (repair) return layout
    throw damaged(folder, [`${STAMP}: it does not tell the layout`])
  }
  const number = Number(found[1])
  if (number >= 1 && number <= layout) return number
  throw new StoreError(
    'version',
    `the store ${folder} has layout ${number}, and this version of mqtt-kit knows layouts up to ${layout}. Nothing was changed; use ` +
      'the version that made it, or export it there with mqtt-kit store and import it here',
  )
}

/** Either the old stamp is there or the new one, whatever happens. */
async function writeStamp(folder: string, layout: number): Promise<void> {
  const unfinished = join(folder, UNFINISHED_STAMP)
  const file = await open(unfinished, 'w')
  try {
    await file.writeFile(`mqtt-kit store ${layout}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(unfinished, join(folder, STAMP))
}

async function migrate(
  store: LevelStore,
  folder: string,
  from: number,
  migrations: readonly Migration[],
): Promise<void> {
  try {
    for (let layout = from; layout <= migrations.length; layout++) {
      await migrations[layout - 1]!(store)
      await writeStamp(folder, layout + 1)
    }
  } catch (error) {
    await store.close()
    throw error
  }
}
