// Copies what the conformance report needs of the statements and of the broker's semantics, for runs without them.
// Run with: node test/conformance/copy-statements.mjs <folder that holds spec/ and semantics.md>, then npm run format.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * @typedef {object} Statement
 * @property {string} id
 * @property {'client' | 'server' | 'both'} binds who has to behave
 * @property {string[]} testable where it can be proven: codec, server, client; empty: nowhere
 * @property {string} rule in our own words
 */

/**
 * @typedef {object} Behaviour
 * @property {string} id
 * @property {string} rule shortened
 * @property {boolean} needed a test has to name it
 */

/** Sections of the semantics that are about load and a store: tests may name their items, but need not. */
const OPTIONAL_SECTIONS = new Set([19, 20])

/** The section whose items have no ids; they get `Z-01` and so on, in their order. */
const TRAPS_SECTION = 22

const LONGEST_RULE = 150

/**
 * @param {(file: string) => string} read text of a file, by its path in the folder
 * @returns {{ v311: Statement[], v5: Statement[], semantics: Behaviour[] }}
 */
export function copyStatements(read) {
  return {
    v311: statements(read, ['mqtt-3.1.1.json', 'mqtt-3.1.1-unnumbered.json']),
    v5: statements(read, ['mqtt-5.0.json', 'mqtt-5.0-unnumbered.json']),
    semantics: semantics(read('semantics.md')),
  }
}

/**
 * @param {(file: string) => string} read
 * @param {string[]} files
 * @returns {Statement[]}
 */
function statements(read, files) {
  const all = files.flatMap((file) => /** @type {Statement[]} */ (JSON.parse(read(`spec/${file}`))))
  return all.map(({ id, binds, testable, rule }) => ({ id, binds, testable, rule }))
}

/** @param {string} text */
function semantics(text) {
  /** @type {Behaviour[]} */
  const items = []
  let section = 0
  let traps = 0
  for (const line of text.split('\n')) {
    const heading = /^## (\d+)\. /.exec(line)
    if (heading !== null) section = Number(heading[1])
    const needed = !OPTIONAL_SECTIONS.has(section)
    const [, id, rule] = /^\| ([A-Z]-\d\d) \|(?: (?:all|3|5) \|)? (.*) \|$/.exec(line) ?? []
    const [, trap] = (section === TRAPS_SECTION ? /^\* (.*)$/.exec(line) : null) ?? []
    if (id !== undefined && rule !== undefined) items.push({ id, rule: shorten(rule), needed })
    if (trap !== undefined) items.push({ id: `Z-${String(++traps).padStart(2, '0')}`, rule: shorten(trap), needed })
  }
  return items
}

/** @param {string} rule */
function shorten(rule) {
  const plain = rule.replaceAll(/\*\*|\s*\[v?[35]?:?[\d.]+-\d[^\]]*\]/g, '')
  if (plain.length <= LONGEST_RULE) return plain
  return `${plain.slice(0, plain.lastIndexOf(' ', LONGEST_RULE))} ...`
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [folder] = process.argv.slice(2)
  if (folder === undefined) throw new Error('usage: node test/conformance/copy-statements.mjs <folder>')
  const copy = copyStatements((file) => readFileSync(join(folder, file), 'utf8'))
  writeFileSync(new URL('statements.json', import.meta.url), `${JSON.stringify(copy)}\n`)
}
