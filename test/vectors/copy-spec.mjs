// Copies what tests need of the statements and tables of the standard into this folder, for test runs without them.
// Run with: node test/vectors/copy-spec.mjs <folder of the statements>, then npm run format.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * @typedef {{ id: string, testable: string[] }} Statement
 * @param {(file: string) => unknown} read a file of the statements, parsed
 * @returns {Record<string, unknown>} name of the copy -> its content
 */
export function copies(read) {
  const { properties, reasonCodes } = /** @type {{ properties: object[], reasonCodes: Record<string, object[]> }} */ (
    read('mqtt-5-properties.json')
  )
  return {
    'statement-ids.json': {
      v311: statements(read, ['mqtt-3.1.1.json', 'mqtt-3.1.1-unnumbered.json']),
      v5: statements(read, ['mqtt-5.0.json', 'mqtt-5.0-unnumbered.json']),
    },
    'mqtt-5-tables.json': { properties, reasonCodes },
    'malformed-samples.json': read('malformed-samples.json'),
  }
}

/**
 * @param {(file: string) => unknown} read
 * @param {string[]} files
 */
function statements(read, files) {
  const all = files.flatMap((file) => /** @type {Statement[]} */ (read(file)))
  const ids = all.map(({ id }) => id)
  return { all: ids, codec: all.filter(({ testable }) => testable.includes('codec')).map(({ id }) => id) }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [folder] = process.argv.slice(2)
  if (folder === undefined) throw new Error('usage: node test/vectors/copy-spec.mjs <folder of the statements>')
  for (const [name, content] of Object.entries(
    copies((file) => JSON.parse(readFileSync(join(folder, file), 'utf8'))),
  )) {
    writeFileSync(new URL(name, import.meta.url), `${JSON.stringify(content)}\n`)
  }
}
