// Drills: the broker in trouble, with accounting. `npm run drills` lists them, `npm run drills -- NAME [OPTION...]` runs one.
// A drill is a file of drills/ that exports `summary`, one line, and `run(args)`, whose promise says whether all went well.
import { readdirSync } from 'node:fs'
import { basename } from 'node:path'

const folder = new URL('drills/', import.meta.url)
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.mjs'))
  .map((file) => basename(file, '.mjs'))
const [name, ...args] = process.argv.slice(2)

if (name === undefined) {
  for (const one of names) console.log(`${one.padEnd(12)}  ${(await load(one)).summary}`)
} else if (names.includes(name)) {
  const { run } = await load(name)
  if (!(await run(args))) process.exitCode = 1
} else {
  console.error(`there is no drill ${JSON.stringify(name)}, but: ${names.join(', ')}`)
  process.exitCode = 2
}

/**
 * @param {string} one
 * @returns {Promise<{ summary: string, run: (args: string[]) => Promise<boolean> }>}
 */
function load(one) {
  return import(new URL(`${one}.mjs`, folder).href)
}
