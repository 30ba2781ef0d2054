// Puts statements and test results together: one row per statement and side that it binds.
import { parseTitle, sideOf } from './conformance-title.mjs'

/**
 * @typedef {import('./conformance-title.mjs').List} List
 * @typedef {import('./conformance-title.mjs').Side} Side
 * @typedef {{ id: string, binds: 'client' | 'server' | 'both', testable: string[], rule: string }} Statement
 * @typedef {Record<List, Record<string, string>>} Reasons id -> why it has no test
 * @typedef {{ sentence: string, file: string, side: Side, status: string }} Proof one test that names a statement
 *
 * @typedef {object} Row
 * @property {string} id
 * @property {Side | 'any'} side whose behaviour has to be shown
 * @property {string} rule
 * @property {'proven' | 'FAILED' | 'MISSING' | 'not observable' | 'not built yet'} verdict
 * @property {string} reason why there is no test
 * @property {Proof[]} proofs tests of that side
 */

/** @typedef {{ name: string, assertionResults: { ancestorTitles: string[], title: string, status: string }[] }} TestFile as the JSON reporter of vitest writes it */

/**
 * Every proof by list and id, in the order of file and line.
 *
 * @param {TestFile[]} files
 * @param {(file: string) => string} relative path of a file in the repository
 * @returns {{ proofs: Map<string, Proof[]>, errors: string[] }} keys are `v5 MQTT-3.1.2-22`
 */
export function collectProofs(files, relative) {
  /** @type {Map<string, Proof[]>} */
  const proofs = new Map()
  const errors = []
  for (const { file, results } of files
    .map((one) => ({ file: relative(one.name), results: one.assertionResults }))
    .sort(byFile)) {
    for (const { ancestorTitles, title, status } of results) {
      try {
        const titles = [...ancestorTitles, title].map((one) => parseTitle(one, file))
        const sentence = titles
          .map((one) => one.sentence)
          .filter((one) => one !== '')
          .join(': ')
        for (const { list, id } of titles.flatMap(({ ids }) => ids)) {
          const key = `${list} ${id}`
          proofs.set(key, [...(proofs.get(key) ?? []), { sentence, file, side: sideOf(file), status }])
        }
      } catch (error) {
        errors.push(`${file}: ${/** @type {Error} */ (error).message}`)
      }
    }
  }
  return { proofs, errors: [...new Set(errors)] }
}

/**
 * @param {{ file: string }} a
 * @param {{ file: string }} b
 */
function byFile(a, b) {
  return a.file < b.file ? -1 : 1
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
 * @param {{ notObservable: Reasons, notBuilt: Reasons }} exceptions
 * @returns {Row[]}
 */
export function rowsOf(list, statements, proofs, exceptions) {
  return statements.flatMap((statement) => {
    const all = proofs.get(`${list} ${statement.id}`) ?? []
    return sidesOf(statement).map((side) => {
      const ofSide = all.filter((proof) => (side === 'any' || proof.side === side) && proof.status !== 'skipped')
      return {
        id: statement.id,
        side,
        rule: statement.rule,
        proofs: ofSide,
        ...judge(list, statement.id, ofSide, exceptions),
      }
    })
  })
}

/**
 * @param {List} list
 * @param {string} id
 * @param {Proof[]} proofs
 * @param {{ notObservable: Reasons, notBuilt: Reasons }} exceptions
 * @returns {Pick<Row, 'verdict' | 'reason'>}
 */
function judge(list, id, proofs, { notObservable, notBuilt }) {
  if (proofs.some(({ status }) => status === 'failed')) return { verdict: 'FAILED', reason: '' }
  if (proofs.some(({ status }) => status === 'passed')) return { verdict: 'proven', reason: '' }
  const unseen = notObservable[list][id]
  if (unseen !== undefined) return { verdict: 'not observable', reason: unseen }
  const missing = notBuilt[list][id]
  if (missing !== undefined) return { verdict: 'not built yet', reason: missing }
  return { verdict: 'MISSING', reason: '' }
}
