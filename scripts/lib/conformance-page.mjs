// docs/conformance.md as text.

/**
 * @typedef {import('./conformance-rows.mjs').Row} Row
 * @typedef {{ heading: string, text: string, rows: Row[], sharedCount: number }} Chapter
 */

const LONGEST_TITLE = 120

const HEAD = `# Conformance

Which test proves which statement of MQTT. Written by \`npm run conformance\` from a run of the tests; a check fails when it is
out of date, when a statement has no row to show, or when a title names a statement that does not exist.

A statement binds the broker, the client or both, and has a row for each side on which a breach could be seen. A test of the
broker or of the client talks to it over a socket, or to its session; a shared test shows code that both sides run, such as the
codec, and does not fill a row of one side. A row shows one test and how many more there are. Tests show cases, not all.
`

const COLUMNS = [
  'statements',
  'rows',
  'proven for the broker',
  'for the client',
  'for either',
  'also in shared tests',
  'not observable',
  'not built yet',
  'missing',
]

/**
 * @param {Chapter[]} chapters
 * @returns {string}
 */
export function formatPage(chapters) {
  return [HEAD, summary(chapters), ...chapters.map(formatChapter)].join('\n')
}

/** @param {Chapter[]} chapters */
function summary(chapters) {
  return table(['', ...COLUMNS], chapters.map(summaryRow))
}

/** @param {Chapter} chapter */
function summaryRow({ heading, rows, sharedCount }) {
  const count = (/** @type {(row: Row) => boolean} */ test) => rows.filter(test).length
  const proven = (/** @type {Row['side']} */ side) => count((row) => row.verdict === 'proven' && row.side === side)
  return [
    heading,
    new Set(rows.map(({ id }) => id)).size,
    rows.length,
    proven('broker'),
    proven('client'),
    proven('any'),
    sharedCount,
    count(({ verdict }) => verdict === 'not observable'),
    count(({ verdict }) => verdict === 'not built yet'),
    count(({ verdict }) => verdict === 'MISSING' || verdict === 'FAILED'),
  ].map(String)
}

/** @param {Chapter} chapter */
function formatChapter({ heading, text, rows }) {
  const columns = ['statement', 'side', 'what', 'verdict', 'test', 'file']
  return `## ${heading}\n\n${text}\n\n${table(columns, rows.map(cellsOf))}`
}

/**
 * @param {Row} row
 * @returns {string[]}
 */
function cellsOf({ id, side, rule, verdict, reason, proofs }) {
  const [first] = proofs
  const told = reason === '' ? verdict : `${verdict}: ${reason}`
  if (first === undefined) return [id, side, rule, told, '', '']
  const more = proofs.length > 1 ? ` (+${proofs.length - 1})` : ''
  return [id, side, rule, told, `${shorten(first.sentence)}${more}`, first.file]
}

/** @param {string} text */
function shorten(text) {
  return text.length <= LONGEST_TITLE ? text : `${text.slice(0, text.lastIndexOf(' ', LONGEST_TITLE))} ...`
}

/**
 * @param {string[]} columns
 * @param {string[][]} rows
 */
function table(columns, rows) {
  const lines = [columns, columns.map(() => '---'), ...rows.map((row) => row.map(escapeCell))]
  return `${lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('')}`
}

/** @param {string} text */
function escapeCell(text) {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
    .replaceAll('*', '\\*')
    .replaceAll(/\p{Cc}+/gu, ' ')
}
