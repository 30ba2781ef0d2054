// Writes docs/conformance.md from a run of the tests: which test proves which statement. With --check it only compares, and
// fails when the page is out of date, a statement has no row to show, or a title names what does not exist.
// --report=FILE takes a JSON report of vitest instead of running the engine's tests.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { formatPage } from './lib/conformance-page.mjs'
import { collectProofs, rowsOf } from './lib/conformance-rows.mjs'

/** @typedef {import('./lib/conformance-rows.mjs').TestFile} TestFile */
/** @typedef {import('./lib/conformance-rows.mjs').Statement} Statement */

const root = fileURLToPath(new URL('..', import.meta.url))
const page = join(root, 'docs/conformance.md')
/** Tests that start programs need peers that not every machine has; they prove nothing here. */
const OUTSIDE = ['test/cli/', 'test/interop/']

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false }, report: { type: 'string' } } })
const files = values.report === undefined ? runTests() : readReport(values.report)
const { text, errors } = report(files)
if (values.check && readPage() !== text) errors.push('docs/conformance.md is out of date: npm run conformance')
if (!values.check) writeFileSync(page, text)
for (const error of errors) console.error(error)
if (errors.length > 0) process.exitCode = 1

/** @returns {TestFile[]} */
function runTests() {
  const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-conformance-'))
  const file = join(folder, 'tests.json')
  try {
    const vitest = join(root, 'node_modules/vitest/vitest.mjs')
    const args = [vitest, 'run', '--project=engine', '--reporter=json', `--outputFile=${file}`]
    spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
    return readReport(file)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/**
 * @param {string} file
 * @returns {TestFile[]}
 */
function readReport(file) {
  return JSON.parse(readFileSync(file, 'utf8')).testResults
}

/** @param {string} file */
function readData(file) {
  return JSON.parse(readFileSync(join(root, 'test/conformance', file), 'utf8'))
}

function readPage() {
  try {
    return readFileSync(page, 'utf8')
  } catch {
    return null
  }
}

/**
 * @param {TestFile[]} results
 * @returns {{ text: string, errors: string[] }}
 */
function report(results) {
  const inRepository = (/** @type {string} */ file) => relative(root, file).replaceAll('\\', '/')
  const inside = results.filter(({ name }) => !OUTSIDE.some((folder) => inRepository(name).startsWith(folder)))
  const { proofs, errors } = collectProofs(inside, inRepository)
  const exceptions = { notObservable: readData('not-observable.json'), notBuilt: readData('not-built.json') }
  const data = readData('statements.json')
  const anySide = (/** @type {{ id: string, rule: string }} */ item) => ({ ...item, binds: 'server', testable: [] })
  const bound = (/** @type {Statement} */ item) => {
    const testable = item.binds === 'both' ? ['server', 'client'] : [item.binds]
    return { ...item, testable }
  }
  const lists = /** @type {const} */ ([
    [
      'v311',
      'MQTT 3.1.1',
      'Ids beginning with U311 are ours, for rules of the standard that have no number.',
      data.v311,
    ],
    ['v5', 'MQTT 5.0', 'Ids beginning with U5 are ours, for rules of the standard that have no number.', data.v5],
    [
      'v31',
      'MQTT 3.1',
      'Where 3.1 differs from 3.1.1; its text has no numbers, so the ids are ours.',
      readData('v31/differences.json').map(bound),
    ],
    [
      'semantics',
      'Behaviour of the broker',
      'What follows from the statements together, and what they leave open; the ids are ours.',
      data.semantics.map(anySide),
    ],
  ])
  const chapters = lists.map(([list, heading, text, statements]) => {
    const rows = rowsOf(list, statements, proofs, exceptions)
    const known = new Set(rows.map(({ id }) => id))
    for (const row of rows) {
      if (row.verdict === 'MISSING')
        errors.push(
          `${heading}: ${row.id} has no test for ${row.side === 'any' ? 'either side' : `the ${row.side}`}: ${row.rule}`,
        )
      if (row.verdict === 'FAILED') errors.push(`${heading}: a test of ${row.id} fails`)
    }
    for (const [name, reasons] of Object.entries(exceptions)) {
      for (const id of Object.keys(reasons[list])) {
        if (!known.has(id)) errors.push(`${heading}: ${id} of ${name} does not exist`)
        else if (rows.every((row) => row.id !== id || row.reason === ''))
          errors.push(`${heading}: ${id} of ${name} has a test`)
      }
    }
    for (const [key, [first]] of proofs) {
      const id = key.slice(list.length + 1)
      if (key.startsWith(`${list} `) && !known.has(id))
        errors.push(`${heading}: ${id} does not exist: ${first?.file}: ${first?.sentence}`)
    }
    return { heading, text, rows }
  })
  return { text: formatPage(chapters), errors }
}
