import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { it } from 'vitest'

/**
 * The statements and tables of the standard as data. They are not part of the repository; what tests need of them is
 * copied into test/vectors by test/vectors/copy-spec.mjs, and a test compares the copies where the originals are. The
 * folder that holds `spec/` is named by MQTT_KIT_SHARED, or is `../shared` beside the repository.
 */
const repository = fileURLToPath(new URL('../..', import.meta.url))
export const specFolder = join(process.env['MQTT_KIT_SHARED'] ?? resolve(repository, '../shared'), 'spec')

/** Registers a test that needs the originals; without them it is skipped and tells the reason. */
export function itWithSpec(title: string, test: (read: (file: string) => unknown) => void): void {
  if (existsSync(specFolder)) {
    it(title, () => test((file) => JSON.parse(readFileSync(join(specFolder, file), 'utf8'))))
    return
  }
  const reason = `no statements at ${specFolder}; set MQTT_KIT_SHARED to the folder that holds spec/`
  process.stderr.write(`skipped: ${title}: ${reason}\n`)
  it(title, (context) => context.skip(reason))
}
