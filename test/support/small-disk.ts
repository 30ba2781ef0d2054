import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/**
 * A disk of its own for this test, that can be filled.
 * @returns its folder; null, with a printed reason, where this process may not mount one
 */
export function smallDisk(mebibytes: number): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'mqtt-kit', folder])
  if (mounted.status !== 0) {
    rmdirSync(folder)
    process.stderr.write('skipped: a small disk cannot be mounted here\n')
    return null
  }
  onTestFinished(() => {
    spawnSync('umount', [folder])
    rmdirSync(folder)
  })
  return folder
}
