// docs/conformance.md as text.

/**
 * @typedef {import('./conformance-rows.mjs').Row} Row
 * @typedef {{ heading: string, text: string, rows: Row[] }} Chapter
 */

const LONGEST_TITLE = 120

const HEAD = `# Conformance

Which test proves which statement of MQTT. Written by \`npm run conformance\` from a run of the tests; a check fails when it is
out of date. A statement binds the broker, the client or both, and has one row for each side that a test can watch;
"shared" tests show code that both sides run. Not every line of the standard is in it, and a test shows cases, not all.
`

/**
 * @param {Chapter[]} chapters
 * @returns {string}
 */
export function formatPage(chapters) {
  return [HEAD, summary(chapters), ...chapters.map(formatChapter)].join('\n')
}

/** @param {Chapter[]} chapters */
function summary(chapters) {
  const lines = chapters.map(({ heading, rows }) => {
    const count = (/** @type {(row: Row) => boolean} */ test) => rows.filter(test).length
    const statements = new Set(rows.map(({ id }) => id)).size
    const proven = (/** @type {Row['side']} */ side) => count((row) => row.verdict === 'proven' && row.side === side)
    const others = /** @type {const} */ (['not observable', 'not built yet', 'MISSING'])
    const cells = [statements, rows.length, proven('broker'), proven('client'), proven('any')]
    const verdicts = others.map((verdict) =>
      count((row) => row.verdict === verdict || (verdict === 'MISSING' && row.verdict === 'FAILED')),
    )
    return `| ${[heading, ...cells, ...verdicts].join(' | ')} |`
  })
  return `| | statements | rows | proven for the broker | for the client | for either | not observable | not built yet | missing |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
${lines.join('\n')}
`
}

/** @param {Chapter} chapter */
function formatChapter({ heading, text, rows }) {
  return `## ${heading}

${text}

| statement | side | what | verdict | test | file |
| --- | --- | --- | --- | --- | --- |
${rows.map(formatRow).join('\n')}
`
}

/** @param {Row} row */
function formatRow({ id, side, rule, verdict, reason, proofs }) {
  const first = proofs[0]
  const more = proofs.length > 1 ? ` (+${proofs.length - 1})` : ''
  const test = first === undefined ? '' : `${shorten(first.sentence)}${more}`
  const cells = [
    id,
    side,
    rule,
    reason === '' ? verdict : `${verdict}: ${reason}`,
    test,
    first === undefined ? '' : first.file,
  ]
  return `| ${cells.map(escapeCell).join(' | ')} |`
}

/** @param {string} text */
function shorten(text) {
  return text.length <= LONGEST_TITLE ? text : `${text.slice(0, text.lastIndexOf(' ', LONGEST_TITLE))} ...`
}

/** @param {string} text */
function escapeCell(text) {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ')
}
