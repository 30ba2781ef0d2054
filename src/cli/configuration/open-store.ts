import { open } from 'node:fs/promises'
import type { Store, StoreError, StoreErrorKind } from '../../store/store.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import { linesOf } from '../input/lines-of.ts'
import type { Typed } from '../options/option-row.ts'
import type { storageOptions } from '../options/storage.ts'

/**
 * Opens what --data names, or reads what --state names.
 * @returns null without both
 * @throws Failure
 */
export async function openStore(typed: Typed<typeof storageOptions>, context: Context): Promise<Store | null> {
  const { data, durability = 'process', dataRepair = false, state } = typed
  if (data !== undefined && state !== undefined) throw new UsageError('give one of --data and --state')
  if (state !== undefined) return readState(state)
  if (data === undefined) {
    if (typed.durability !== undefined || dataRepair)
      throw new UsageError('--durability and --data-repair need --data DIR')
    return null
  }
  const { openStoreFolder } = await import('../../store/store-folder.ts')
  return openStoreFolder(data, { durability, repair: dataRepair, note: (text) => context.talk.say(text) }).catch(
    (error: unknown) => {
      throw storeFailure(error)
    },
  )
}

async function readState(path: string): Promise<Store> {
  const { MemoryStore } = await import('../../store/memory-store.ts')
  const { importLines } = await import('../../store/portable/import.ts')
  const store = new MemoryStore()
  try {
    const file = await open(path)
    await importLines(store, linesOf(file.createReadStream()), Date.now())
  } catch (error) {
    throw new Failure(ExitCode.USAGE, `cannot begin with --state ${path}: ${(error as Error).message}`, error)
  }
  return store
}

const UNUSABLE: readonly StoreErrorKind[] = ['damaged', 'foreign', 'version', 'busy']

/** What a StoreError means for the command; other errors come back as they are. */
export function storeFailure(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'StoreError') return error
  const isUnusable = UNUSABLE.includes((error as StoreError).kind)
  return new Failure(isUnusable ? ExitCode.USAGE : ExitCode.OUTPUT, error.message, error)
}
