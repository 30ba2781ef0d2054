import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LevelStore } from '../../src/store/level/level-store.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import type { Store } from '../../src/store/store.ts'
import { ControlledStore } from './controlled-store.ts'

/** Where the brokers of one script keep their state, one after the other. */
export interface Storage {
  /** What the next broker finds: all that is committed, also when the one before was killed. */
  open(): Promise<ControlledStore<Store>>
  /** Leaves nothing behind. */
  dispose(): Promise<void>
}

/** The reference store. */
export function memoryStorage(): Storage {
  let latest = new MemoryStore()
  return {
    async open() {
      latest = latest.copy()
      return ControlledStore.on(latest)
    },
    async dispose() {},
  }
}

// LevelDB tidies up in a thread of its own: only a copy during which nothing has changed is what a kill would have left.
function copyAtRest(from: string, to: string): void {
  for (;;) {
    const before = contentsOf(from)
    try {
      cpSync(from, to, { recursive: true })
      if (contentsOf(from) === before) return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    rmSync(to, { recursive: true, force: true })
  }
}

function contentsOf(folder: string): string {
  return readdirSync(folder)
    .map((name) => {
      const stats = statSync(join(folder, name), { throwIfNoEntry: false, bigint: true })
      return `${name} ${stats?.size} ${stats?.mtimeNs}`
    })
    .join('\n')
}

/** LevelDB; what a killed broker leaves is the state of its files at that moment. */
export function levelStorage(): Storage {
  const parent = mkdtempSync(join(tmpdir(), 'mqtt-kit-'))
  let count = 0
  let latest: LevelStore | null = null
  return {
    async open() {
      const folder = join(parent, `${++count}`)
      if (latest !== null) {
        copyAtRest(join(parent, `${count - 1}`), folder)
        await latest.close()
        rmSync(join(parent, `${count - 1}`), { recursive: true })
      }
      latest = await LevelStore.open(folder, { durability: 'process', reserveBytes: 0 })
      return ControlledStore.on(latest)
    },
    async dispose() {
      await latest?.close()
      rmSync(parent, { recursive: true })
    },
  }
}
