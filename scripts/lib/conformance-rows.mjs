// Puts statements and test results together: one row per statement and side that it binds.
import { parseTitle, sideOf } from './conformance-title.mjs'

/**
 * @typedef {import('./conformance-title.mjs').List} List
 * @typedef {import('./conformance-title.mjs').Side} Side
 * @typedef {{ id: string, binds: 'client' | 'server' | 'both', testable: string[], rule: string }} Statement
 * @typedef {Record<List, Record<string, string>>} Reasons id -> why it has no test
 * @typedef {{ 'not-observable': Reasons, 'not-built': Reasons }} Exceptions
 * @typedef {{ sentence: string, file: string, side: Side, status: string }} Proof one test that names a statement
 * @typedef {{ ancestorTitles: string[], title: string, status: string }} TestResult
 * @typedef {{ name: string, assertionResults: TestResult[] }} TestFile as the JSON reporter of vitest writes it
 *
 * @typedef {object} Row
 * @property {string} id
 * @property {Side | 'any'} side whose behaviour has to be shown
 * @property {string} rule
 * @property {'proven' | 'FAILED' | 'MISSING' | 'not observable' | 'not built yet'} verdict
 * @property {string} reason why there is no test
 * @property {Proof[]} proofs tests of that side
 */

/**
 * Every proof by list and id, in the order of file and line. A test that was skipped proves nothing.
 *
 * @param {TestFile[]} files
 * @returns {{ proofs: Map<string, Proof[]>, errors: string[] }} keys are `v5 MQTT-3.1.2-22`
 */
export function collectProofs(files) {
  /** @type {Map<string, Proof[]>} */
  const proofs = new Map()
  /** @type {Set<string>} */
  const errors = new Set()
  for (const { name, assertionResults } of [...files].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    for (const result of assertionResults) {
      try {
        addProofs(proofs, name, result)
      } catch (error) {
        errors.add(`${name}: ${/** @type {Error} */ (error).message}`)
      }
    }
  }
  return { proofs, errors: [...errors] }
}

/**
 * @param {Map<string, Proof[]>} proofs
 * @param {string} file
 * @param {TestResult} result
 */
function addProofs(proofs, file, { ancestorTitles, title, status }) {
  if (status !== 'passed' && status !== 'failed') return
  const titles = [...ancestorTitles, title].map((one) => parseTitle(one, file))
  const sentences = titles.map(({ sentence }) => sentence).filter((sentence) => sentence !== '')
  const proof = { sentence: sentences.join(': '), file, side: sideOf(file), status }
  for (const { list, id } of titles.flatMap(({ ids }) => ids)) {
    const key = `${list} ${id}`
    proofs.set(key, [...(proofs.get(key) ?? []), proof])
  }
}

/**
 * The sides on which a statement has to be shown. A rule for one side is shown on that side, or, where only the other
 * side can notice a breach, there; a rule for both on each of them that a test can watch.
 *
 * @param {Pick<Statement, 'binds' | 'testable'>} statement
 * @returns {Row['side'][]}
 */
export function sidesOf({ binds, testable }) {
  /** @type {Row['side'][]} */
  const watched = []
  if (testable.includes('server')) watched.push('broker')
  if (testable.includes('client')) watched.push('client')
  if (watched.length === 0) return ['any']
  if (binds === 'both') return watched
  const bound = binds === 'server' ? 'broker' : 'client'
  return watched.includes(bound) ? [bound] : watched
}

/**
 * @param {List} list
 * @param {Statement[]} statements
 * @param {Map<string, Proof[]>} proofs
 * @param {Exceptions} exceptions
 * @returns {Row[]}
 */
export function rowsOf(list, statements, proofs, exceptions) {
  return statements.flatMap((statement) => {
    const { id, rule } = statement
    const all = proofs.get(`${list} ${id}`) ?? []
    return sidesOf(statement).map((side) => {
      const ofSide = all.filter((proof) => side === 'any' || proof.side === side)
      return { id, side, rule, proofs: ofSide, ...judge(list, id, ofSide, exceptions) }
    })
  })
}

/**
 * @param {List} list
 * @param {string} id
 * @param {Proof[]} proofs
 * @param {Exceptions} exceptions
 * @returns {Pick<Row, 'verdict' | 'reason'>}
 */
function judge(list, id, proofs, exceptions) {
  if (proofs.some(({ status }) => status === 'failed')) return { verdict: 'FAILED', reason: '' }
  if (proofs.length > 0) return { verdict: 'proven', reason: '' }
  const unseen = exceptions['not-observable'][list][id]
  if (unseen !== undefined) return { verdict: 'not observable', reason: unseen }
  const missing = exceptions['not-built'][list][id]
  if (missing !== undefined) return { verdict: 'not built yet', reason: missing }
  return { verdict: 'MISSING', reason: '' }
}
