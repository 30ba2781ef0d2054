// Writes docs/conformance.md from a run of the tests: which test proves which statement. With --check it only compares, and
// fails when the page is out of date, a statement has no row to show, or a title names what does not exist.
// --report=FILE takes a JSON report of vitest instead of running the engine's tests.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { conformanceReport } from './lib/conformance-report.mjs'

/** @typedef {import('./lib/conformance-rows.mjs').TestFile} TestFile */

const root = fileURLToPath(new URL('..', import.meta.url))
const page = join(root, 'docs/conformance.md')
/** Tests that start programs need peers that not every machine has; they prove nothing here. */
const OUTSIDE = ['test/cli/', 'test/interop/']

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false }, report: { type: 'string' } } })
const files = values.report === undefined ? runTests() : readReport(values.report)
const { text, errors } = conformanceReport(files, {
  ...readData('statements.json'),
  v31: readData('v31/differences.json'),
  exceptions: { 'not-observable': readData('not-observable.json'), 'not-built': readData('not-built.json') },
})
if (!values.check) writeFileSync(page, text)
else if (readPage() !== text) errors.push('docs/conformance.md is out of date: npm run conformance writes it anew')
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
  const { testResults } = /** @type {{ testResults: TestFile[] }} */ (JSON.parse(readFileSync(file, 'utf8')))
  return testResults
    .map((one) => ({ ...one, name: relative(root, one.name).replaceAll('\\', '/') }))
    .filter(({ name }) => !OUTSIDE.some((folder) => name.startsWith(folder)))
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
