import type { BenchReport } from './bench-report.ts'
import { formatNumber, latencyRows, summaryOf } from './bench-table.ts'

/** One thing that was checked. */
export interface Check {
  readonly name: string
  /** null: it holds */
  readonly problem: string | null
}

/** Every second of every run as CSV (RFC 4180). */
export function csvOf(reports: readonly BenchReport[]): string {
  const rows = reports.flatMap(({ scenario, samples }, run) =>
    samples.map(({ seconds, published, delivered, p50Ms, p99Ms }) =>
      [run + 1, scenario, seconds, published, delivered, p50Ms ?? '', p99Ms ?? ''].join(','),
    ),
  )
  return `${['run,scenario,seconds,published,delivered,p50Ms,p99Ms', ...rows].join('\r\n')}\r\n`
}

/** The checks as JUnit XML: a test suite for each run. */
export function junitOf(runs: readonly { readonly report: BenchReport; readonly checks: readonly Check[] }[]): string {
  const suites = runs.map(({ report, checks }, i) => suiteOf(report, checks, i + 1))
  return ['<?xml version="1.0" encoding="UTF-8"?>', '<testsuites>', ...suites, '</testsuites>\n'].join('\n')
}

function suiteOf(report: BenchReport, checks: readonly Check[], run: number): string {
  const failures = checks.filter(({ problem }) => problem !== null).length
  const suite = xml(`mqtt-kit bench ${report.scenario}, run ${run}`)
  const cases = checks.map(({ name, problem }) => {
    const head = `    <testcase classname="${suite}" name="${xml(name)}"`
    return problem === null ? `${head}/>` : `${head}>\n      <failure message="${xml(problem)}"/>\n    </testcase>`
  })
  const counts = `tests="${checks.length}" failures="${failures}" time="${report.seconds.toFixed(3)}"`
  return [`  <testsuite name="${suite}" ${counts}>`, ...cases, '  </testsuite>'].join('\n')
}

/** Text for XML and HTML, in content and in attributes. */
export function xml(text: string): string {
  const escapes: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  }
  return text
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"']/g, (character) => escapes[character]!)
}

/** The result in the Markdown of a GitHub step summary. */
export function markdownOf(report: BenchReport, checks: readonly Check[]): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
  const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`
  const names = ['latency, ms', 'min', 'mean', 'p50', 'p90', 'p99', 'p99.9', 'max', 'count']
  return [
    `### mqtt-kit bench ${report.scenario}: ${checks.every(({ problem }) => problem === null) ? 'passed' : 'FAILED'}`,
    '',
    row(['', '', '']),
    '| --- | ---: | --- |',
    ...summaryOf(report).map(row),
    '',
    row(names),
    `| --- |${' ---: |'.repeat(names.length - 1)}`,
    ...latencyRows(report).map(([name, ...values]) => row([name, ...values.map(formatNumber)])),
    '',
    ...checks.map(({ name, problem }) =>
      problem === null ? `- holds: ${cell(name)}` : `- **failed**: ${cell(problem)}`,
    ),
    '',
  ].join('\n')
}
