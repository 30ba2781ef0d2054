import { constants } from 'node:fs'
import { appendFile, copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { deliveryNumberOf, describeKey, KeyKind, messageKey, packetIdOf, sequenceOf, topicNameOf } from './keys.ts'
import { LevelStore } from './level/level-store.ts'
import { decodeDelivery } from './records/delivery-record.ts'
import { decodeMessage } from './records/message-record.ts'
import { decodeSession, decodeSubscription, decodeWill } from './records/session-record.ts'
import { putStamp } from './restore.ts'
import { type Store, StoreError } from './store.ts'

/** What is repaired. */
export interface Repair {
  readonly folder: string
  readonly database: string
  /** of the check of its files: a name, a colon and what is wrong */
  readonly damages: readonly string[]
  note(text: string): void
}

const START = Buffer.alloc(0)
const EXCHANGE_BYTES = 4

/**
 * Makes a store of what can still be read of one. The database as it was is moved to `set-aside-<time>` with everything in it, and
 * so are entries that are broken; what was lost is told.
 * @throws StoreError (rejects) full, io, busy
 */
export async function repairStore({ folder, database, damages, note }: Repair): Promise<void> {
  const aside = join(folder, `set-aside-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`)
  if (damages.length > 0) {
    await mkdir(aside)
    await rebuild(database, join(aside, 'level'), damages)
    for (const damage of damages) note(`broken: ${damage}`)
    note(`the files as they were are in ${aside}`)
  }
  const store = await LevelStore.open(database, { durability: 'power' })
  try {
    await removeBroken(store, aside, note)
  } finally {
    await store.close()
  }
}

// Tables and logs are all that holds data: from them the manifest is made anew. Of a broken log whole records are taken, of a broken
// table nothing.
async function rebuild(database: string, before: string, damages: readonly string[]): Promise<void> {
  const broken = new Set(damages.map((damage) => damage.slice(0, damage.indexOf(':'))))
  await rename(database, before)
  await mkdir(database)
  const kept = (await readdir(before)).filter(
    (name) => name.endsWith('.log') || (/\.(?:ldb|sst)$/.test(name) && !broken.has(name)),
  )
  for (const name of kept) await copyFile(join(before, name), join(database, name), constants.COPYFILE_FICLONE)
  if (kept.length > 0) await LevelStore.repair(database)
  // LevelDB keeps what it has read here; it is set aside already
  await rm(join(database, 'lost'), { recursive: true, force: true })
}

async function removeBroken(store: Store, aside: string, note: (text: string) => void): Promise<void> {
  const review = new Review(store)
  await review.run()
  const { broken, sessions, deliveries, retained, hasEntries } = review
  if (broken.length > 0) {
    await mkdir(aside, { recursive: true })
    const batch = store.batch()
    for (const { key, value, why } of broken) {
      const line = { entry: describeKey(key), why, key: key.toString('base64'), value: value.toString('base64') }
      await appendFile(join(aside, 'entries.jsonl'), `${JSON.stringify(line)}\n`)
      batch.delete(key)
    }
    await new Promise<void>((resolve, reject) => batch.commit((error) => (error === null ? resolve() : reject(error))))
    note(`${broken.length} entries cannot be used and are in ${join(aside, 'entries.jsonl')}`)
  }
  if (hasEntries) await putStamp(store)
  note(`there are ${sessions} sessions, ${deliveries} messages on their way to them, ${retained} retained messages`)
}

/** An entry that cannot be used. */
interface BrokenEntry {
  readonly key: Buffer
  readonly value: Buffer
  readonly why: string
}

/** Looks at all entries as a broker would. */
class Review {
  readonly broken: BrokenEntry[] = []
  sessions = 0
  deliveries = 0
  retained = 0
  hasEntries = false
  readonly #store: Store
  readonly #newest = new Map<string, Omit<BrokenEntry, 'why'>>()

  constructor(store: Store) {
    this.#store = store
  }

  async run(): Promise<void> {
    for await (const chunk of this.#store.entries(START, null)) {
      this.hasEntries = true
      for (const [key, value] of chunk) {
        try {
          this.#look(key, value)
        } catch (error) {
          if (!(error instanceof StoreError)) throw error
          this.broken.push({ key, value, why: error.message })
        }
      }
    }
    this.sessions = this.#newest.size
  }

  #look(key: Buffer, value: Buffer): void {
    switch (key[0]) {
      case KeyKind.STAMP:
        return
      case KeyKind.SESSION:
        return this.#session(key, value)
      case KeyKind.WILL:
        decodeWill(key, value)
        return
      case KeyKind.SUBSCRIPTION:
        decodeSubscription(key, value)
        return
      case KeyKind.INCOMING:
        packetIdOf(key)
        return
      case KeyKind.EXCHANGE:
        deliveryNumberOf(key)
        if (value.length !== EXCHANGE_BYTES) throw unusable('it has a wrong length')
        return
      case KeyKind.DELIVERY:
        deliveryNumberOf(key)
        decodeDelivery(key, value, (sequence) => this.#message(sequence), 0)
        this.deliveries++
        return
      case KeyKind.MESSAGE:
        sequenceOf(key)
        decodeMessage(key, value, 0)
        return
      case KeyKind.RETAINED:
        if (decodeMessage(key, value, 0).topicName !== topicNameOf(key)) throw unusable('it holds another Topic Name')
        this.retained++
        return
      default:
        throw unusable('it is of no kind that there is')
    }
  }

  // One that had ended may be back when the table is gone that said so: the later one counts.
  #session(key: Buffer, value: Buffer): void {
    const { clientId } = decodeSession(key, value)
    const older = this.#newest.get(clientId)
    if (older !== undefined)
      this.broken.push({ ...older, why: `there is a later session of ${JSON.stringify(clientId)}` })
    this.#newest.set(clientId, { key, value })
  }

  #message(sequence: number): ReturnType<typeof decodeMessage> | null {
    const key = messageKey(sequence)
    const value = this.#store.getSync(key)
    return value === null ? null : decodeMessage(key, value, 0)
  }
}

function unusable(why: string): StoreError {
  return new StoreError('damaged', why)
}
