import type { Store, StoreError, StoreErrorKind } from '../../store/store.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import type { Typed } from '../options/option-row.ts'
import type { storageOptions } from '../options/storage.ts'

/**
 * Opens what --data names.
 * @returns null without --data
 * @throws Failure
 */
export async function openStore(typed: Typed<typeof storageOptions>, context: Context): Promise<Store | null> {
  const { data, durability = 'process', dataRepair = false } = typed
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

const UNUSABLE: readonly StoreErrorKind[] = ['damaged', 'foreign', 'version', 'busy']

/** What a StoreError means for the command; other errors come back as they are. */
export function storeFailure(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'StoreError') return error
  const isUnusable = UNUSABLE.includes((error as StoreError).kind)
  return new Failure(isUnusable ? ExitCode.USAGE : ExitCode.OUTPUT, error.message, error)
}
