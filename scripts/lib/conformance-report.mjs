// The conformance report: which test proves which statement, and what is wrong with that. Reads and writes no file.
import { formatPage } from './conformance-page.mjs'
import { collectProofs, rowsOf } from './conformance-rows.mjs'

/**
 * @typedef {import('./conformance-title.mjs').List} List
 * @typedef {import('./conformance-rows.mjs').Exceptions} Exceptions
 * @typedef {import('./conformance-rows.mjs').Proof} Proof
 * @typedef {import('./conformance-rows.mjs').Row} Row
 * @typedef {import('./conformance-rows.mjs').Statement} Statement
 * @typedef {import('./conformance-rows.mjs').TestFile} TestFile
 *
 * @typedef {object} Data
 * @property {Statement[]} v311
 * @property {Statement[]} v5
 * @property {{ id: string, binds: Statement['binds'], rule: string }[]} v31
 * @property {{ id: string, rule: string, needed: boolean }[]} semantics
 * @property {Exceptions} exceptions
 */

const NUMBERED = 'are ours, for rules of the standard that have no number.'

/**
 * @param {TestFile[]} files results of a test run, paths relative to the repository
 * @param {Data} data
 * @returns {{ text: string, errors: string[] }} the page, and all that keeps it from being complete
 */
export function conformanceReport(files, data) {
  const { proofs, errors } = collectProofs(files)
  const chapters = chaptersOf(data, proofs).map(({ list, heading, text, statements }) => {
    const rows = rowsOf(list, statements, proofs, data.exceptions)
    errors.push(...faultsOf(list, rows, proofs, data.exceptions).map((fault) => `${heading}: ${fault}`))
    const shared = statements.filter(({ id }) => proofs.get(`${list} ${id}`)?.some(({ side }) => side === 'shared'))
    return { heading, text, rows, sharedCount: shared.length }
  })
  return { text: formatPage(chapters), errors }
}

/**
 * @param {Data} data
 * @param {Map<string, Proof[]>} proofs
 * @returns {{ list: List, heading: string, text: string, statements: Statement[] }[]}
 */
function chaptersOf({ v311, v5, v31, semantics }, proofs) {
  const differences = v31.map((item) => ({
    ...item,
    testable: item.binds === 'both' ? ['server', 'client'] : [item.binds],
  }))
  const behaviours = semantics
    .filter(({ id, needed }) => needed || proofs.has(`semantics ${id}`))
    .map(({ id, rule }) => ({ id, rule, binds: /** @type {const} */ ('server'), testable: [] }))
  return [
    { list: 'v311', heading: 'MQTT 3.1.1', text: `Ids with U311 ${NUMBERED}`, statements: v311 },
    { list: 'v5', heading: 'MQTT 5.0', text: `Ids with U5 ${NUMBERED}`, statements: v5 },
    {
      list: 'v31',
      heading: 'MQTT 3.1',
      text: 'Where 3.1 differs from 3.1.1; its text has no numbers, so the ids are ours.',
      statements: differences,
    },
    {
      list: 'semantics',
      heading: 'Behaviour of the broker',
      text: 'What follows from the statements together, and what they leave open; the ids are ours.',
      statements: behaviours,
    },
  ]
}

/**
 * @param {List} list
 * @param {Row[]} rows
 * @param {Map<string, Proof[]>} proofs
 * @param {Exceptions} exceptions
 * @returns {string[]}
 */
function faultsOf(list, rows, proofs, exceptions) {
  const known = new Set(rows.map(({ id }) => id))
  const excused = new Set(rows.filter(({ reason }) => reason !== '').map(({ id }) => id))
  const missing = rows
    .filter(({ verdict }) => verdict === 'MISSING')
    .map(({ id, side, rule }) => `${id} has no test for ${side === 'any' ? 'either side' : `the ${side}`}: ${rule}`)
  const failed = rows.filter(({ verdict }) => verdict === 'FAILED').map(({ id }) => `a test of ${id} fails`)
  const excuses = Object.entries(exceptions).flatMap(([name, reasons]) =>
    Object.keys(reasons[list])
      .filter((id) => !excused.has(id))
      .map((id) => (known.has(id) ? `${id} has a test and is excused in ${name}` : `${id} in ${name} does not exist`)),
  )
  const strangers = [...proofs]
    .map(([key, [first]]) => ({ id: key.startsWith(`${list} `) ? key.slice(list.length + 1) : null, first }))
    .filter(({ id }) => id !== null && !known.has(id))
    .map(({ id, first }) => `${id} does not exist: ${first?.file}: ${first?.sentence}`)
  return [...missing, ...failed, ...excuses, ...strangers]
}
