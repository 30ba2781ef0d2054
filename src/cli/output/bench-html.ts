import { type Check, xml } from './bench-files.ts'
import type { BenchReport } from './bench-report.ts'
import { formatNumber, latencyRows, summaryOf } from './bench-table.ts'

/** One line of a plot. */
interface Line {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

interface Plot {
  readonly title: string
  readonly xTitle: string
  readonly lines: readonly Line[]
  /** where the x axis is marked, and with what */
  readonly xMarks: readonly (readonly [x: number, text: string])[]
}

const WIDTH = 720
const HEIGHT = 260
const LEFT = 70
const RIGHT = 20
const TOP = 14
const BOTTOM = 44
const Y_MARKS = 5
const X_MARKS = 10

/** A run and what was checked of it. */
interface CheckedRun {
  readonly report: BenchReport
  readonly checks: readonly Check[]
}

/** The runs as one page that needs nothing else: tables, checks, and plots as SVG. */
export function htmlOf(runs: readonly CheckedRun[]): string {
  const title = `mqtt-kit bench ${[...new Set(runs.map(({ report }) => report.scenario))].join(', ')}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${xml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${xml(title)}</h1>
${runs.map((run, i) => section(run, runs.length > 1 ? `Run ${i + 1}: ${run.report.scenario}` : 'Result')).join('\n')}
</body>
</html>
`
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2530; --faint: #667380; --line: #d8dee4; --paper: #fff; --a: #1668b8; --b: #c4501b }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9ee; --faint: #98a5b1; --line: #37424d; --paper: #14191f; --a: #62aef5; --b: #f0915f } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 780px; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin-top: 2.5rem } h3 { font-size: 1rem; margin-bottom: .2rem }
.tables { overflow-x: auto }
table { border-collapse: collapse; margin: .8rem 0; font-variant-numeric: tabular-nums }
td, th { padding: .2rem .8rem .2rem 0; text-align: right; border-bottom: 1px solid var(--line); font-weight: normal }
td { white-space: nowrap } td.note { white-space: normal }
td:first-child, th:first-child, td.note { text-align: left } ul { padding-left: 1.2rem } .failed { color: var(--b); font-weight: bold }
summary { color: var(--faint); cursor: pointer }
@media (max-width: 600px) { td { white-space: normal } } th { color: var(--faint) }
svg { width: 100%; height: auto; font: 11px system-ui, sans-serif } svg text { fill: var(--faint) }
.grid { stroke: var(--line) } .l0 { stroke: var(--a) } .l1 { stroke: var(--b); stroke-dasharray: 7 4 } .line { fill: none; stroke-width: 1.8 }
.k0 { fill: var(--a) } .k1 { fill: var(--b) } pre { color: var(--faint); white-space: pre-wrap; font-size: 12px }`

function section({ report, checks }: CheckedRun, heading: string): string {
  const summary = summaryOf(report).map(
    ([name, value, note]) => `<tr><td>${xml(name)}</td><td>${xml(value)}</td><td class="note">${xml(note)}</td></tr>`,
  )
  const head = ['latency, ms', 'min', 'mean', 'p50', 'p90', 'p99', 'p99.9', 'max', 'count']
  const rows = latencyRows(report).map(
    ([name, ...values]) =>
      `<tr><td>${xml(name)}</td>${values.map((value) => `<td>${formatNumber(value)}</td>`).join('')}</tr>`,
  )
  const plots = plotsOf(report).map((plot) => `<h3>${xml(plot.title)}</h3>\n${svg(plot)}`)
  return `<section>
<h2>${xml(heading)}</h2>
<div class="tables"><table>${summary.join('\n')}</table>
<table><tr>${head.map((name) => `<th>${name}</th>`).join('')}</tr>${rows.join('\n')}</table></div>
<ul>${checks.map(({ name, problem }) => (problem === null ? `<li>holds: ${xml(name)}</li>` : `<li class="failed">failed: ${xml(problem)}</li>`)).join('\n')}</ul>
${plots.join('\n')}
<details><summary>What was asked for, and where it ran</summary>
<pre>${xml(JSON.stringify({ config: report.config, environment: report.environment }, null, 1))}</pre></details>
</section>`
}

function plotsOf({ samples, curve, latency }: BenchReport): Plot[] {
  const kind = latency.response === null ? 'service' : 'response'
  const seconds = evenMarks(samples.at(-1)?.seconds ?? 0)
  const overTime = (name: string, value: (i: number) => number | null): Line => ({
    name,
    points: samples.flatMap(({ seconds: x }, i): [number, number][] => {
      const y = value(i)
      return y === null ? [] : [[x, y]]
    }),
  })
  const plots: Plot[] = [
    {
      title: 'Messages per second',
      xTitle: 'seconds, warm-up included',
      xMarks: seconds,
      lines: [overTime('delivered', (i) => samples[i]!.delivered), overTime('published', (i) => samples[i]!.published)],
    },
    {
      title: `Latency over time (${kind}), ms`,
      xTitle: 'seconds, warm-up not shown',
      xMarks: seconds,
      lines: [overTime('p50', (i) => samples[i]!.p50Ms), overTime('p99', (i) => samples[i]!.p99Ms)],
    },
    {
      title: `Latency by percentile (${kind}), ms`,
      xTitle: 'percentile, each mark ten times as rare as the one before',
      xMarks: [0, 90, 99, 99.9, 99.99, 99.999].map((percentile) => [rarity(percentile), `${percentile}`] as const),
      lines: [
        {
          name: kind,
          points: curve
            .filter(({ percentile }) => percentile < 100)
            .map(({ percentile, ms }) => [rarity(percentile), ms] as const),
        },
      ],
    },
  ]
  return plots.filter(({ lines }) => lines.some(({ points }) => points.length > 1))
}

// 0 for the 0th percentile, 1 for the 90th, 2 for the 99th
function rarity(percentile: number): number {
  return -Math.log10(1 - percentile / 100)
}

function evenMarks(last: number): (readonly [number, string])[] {
  const step = Math.max(1, Math.ceil(last / X_MARKS))
  return Array.from({ length: Math.floor(last / step) + 1 }, (_, i) => [i * step, `${i * step}`] as const)
}

// 1, 2 or 5 times a power of ten, so that a few steps reach the highest value
function niceStep(most: number): number {
  const rough = most / Y_MARKS
  const power = 10 ** Math.floor(Math.log10(rough))
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10)
}

function svg({ title, xTitle, lines, xMarks }: Plot): string {
  const points = lines.flatMap((line) => line.points)
  const mostY = Math.max(...points.map(([, y]) => y)) || 1
  const step = niceStep(mostY)
  const top = Math.ceil(mostY / step) * step
  const right = Math.max(...points.map(([x]) => x), ...xMarks.map(([x]) => x)) || 1
  const px = (x: number): number => LEFT + (x / right) * (WIDTH - LEFT - RIGHT)
  const py = (y: number): number => HEIGHT - BOTTOM - (y / top) * (HEIGHT - TOP - BOTTOM)
  const grid = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step).map(
    (y) =>
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at(py(y))}" y2="${at(py(y))}"/>` +
      `<text x="${LEFT - 8}" y="${at(py(y) + 4)}" text-anchor="end">${formatNumber(y)}</text>`,
  )
  const marks = xMarks.map(
    ([x, text]) => `<text x="${at(px(x))}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${text}</text>`,
  )
  const drawn = lines.map(
    ({ points: line }, i) =>
      `<polyline class="line l${i}" points="${line.map(([x, y]) => `${at(px(x))},${at(py(y))}`).join(' ')}"/>`,
  )
  const keys = lines.map(
    ({ name }, i) =>
      `<rect class="k${i}" x="${WIDTH - RIGHT - 90 * (lines.length - i)}" y="${HEIGHT - 16}" width="10" height="10"/>` +
      `<text x="${WIDTH - RIGHT - 90 * (lines.length - i) + 15}" y="${HEIGHT - 7}">${xml(name)}</text>`,
  )
  return (
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${xml(title)}">${grid.join('')}${marks.join('')}` +
    `<text x="${LEFT}" y="${HEIGHT - 7}">${xml(xTitle)}</text>${drawn.join('')}${keys.join('')}</svg>`
  )
}

function at(pixels: number): string {
  return pixels.toFixed(1)
}
