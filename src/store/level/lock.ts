import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreError } from '../store.ts'

/**
 * Looks whether a process has a database open, without touching it: LevelDB finds out when it opens, but by then it has begun a new
 * file. Where the system does not tell of locks it is LevelDB that refuses. (The file is not opened either: a process that closes
 * a file that it has locked gives up the lock.)
 * @throws StoreError (rejects) busy
 */
export async function assertNotInUse(database: string): Promise<void> {
  const lock = await stat(join(database, 'LOCK'), { bigint: true }).catch(() => null)
  const locks = await readFile('/proc/locks', 'latin1').catch(() => null)
  if (lock === null || locks === null) return
  const file = `${hexByte(majorOf(lock.dev))}:${hexByte(minorOf(lock.dev))}:${lock.ino}`
  for (const line of locks.split('\n')) {
    // 1: POSIX  ADVISORY  WRITE 4711 fe:00:131072 0 EOF
    const [, kind, , mode, pid, place] = line.trim().split(/\s+/)
    if (kind !== 'POSIX' || mode !== 'WRITE' || place !== file) continue
    throw new StoreError(
      'busy',
      `${database} is in use by process ${pid}; stop that one first, or name another directory`,
    )
  }
}

function hexByte(value: bigint): string {
  return value.toString(16).padStart(2, '0')
}

// As the C library of Linux takes a device number apart.
function majorOf(device: bigint): bigint {
  return ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xffff_f000n)
}

function minorOf(device: bigint): bigint {
  return (device & 0xffn) | ((device >> 12n) & 0xffff_ff00n)
}
