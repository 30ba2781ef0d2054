import type { Terminal } from '../terminal.ts'
import { createPainter } from '../terminal.ts'
import type { BenchReport } from './bench-report.ts'

/** A number for people: 1,234,567, and small ones with three digits that count. */
export function formatNumber(value: number): string {
  const digits =
    Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** The result for people: a summary, then latencies as a table. */
export async function benchTable(report: BenchReport, terminal: Terminal): Promise<string> {
  const painter = await createPainter(terminal.stdoutColour)
  const summary = summaryOf(report).map(([name, value, note]) => [painter.heading(name), value, note])
  const latencies = latencyRows(report).map(([name, ...values]) => [name, ...values.map(formatNumber)])
  const parts = [await plainTable([], summary, ['left', 'right', 'left'])]
  if (latencies.length > 0) {
    const head = ['latency, ms', 'min', 'mean', 'p50', 'p90', 'p99', 'p99.9', 'max', 'count'].map(painter.heading)
    parts.push(await plainTable(head, latencies, ['left', ...Array(8).fill('right')]))
  }
  return parts.join('\n')
}

/** A table without lines; painted cells may be in it. */
export async function plainTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  colAligns: readonly ('left' | 'right')[],
): Promise<string> {
  const { default: Table } = await import('cli-table3')
  // cli-table3 colours into pipes unless it is told not to
  const style = { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 0 }
  const table = new Table({ head: [...head], style, chars: BARE, colAligns: [...colAligns] })
  for (const row of rows) table.push([...row])
  return `${trimmed(table.toString())}\n`
}

const BARE = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: ' ',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}

/** Each kind of latency that was measured: its name, then min, mean, p50, p90, p99, p99.9, max in ms, and how many. */
export function latencyRows({ latency, ack, connect }: BenchReport): [name: string, ...values: number[]][] {
  const rows = [
    ['service', latency.service],
    ['response', latency.response],
    ['acknowledgement', ack],
    ['connect', connect.latency],
  ] as const
  return rows.flatMap(([name, summary]): [string, ...number[]][] => {
    if (summary === null) return []
    const { minMs, meanMs, p50Ms, p90Ms, p99Ms, p999Ms, maxMs, count } = summary
    return [[name, minMs, meanMs, p50Ms, p90Ms, p99Ms, p999Ms, maxMs, count]]
  })
}

function trimmed(table: string): string {
  return table
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

type Line = readonly [name: string, value: string, note: string]

/** What happened, a line for each thing that did. */
export function summaryOf(report: BenchReport): Line[] {
  const { connect, publish, deliver, generator, broker, steps, config } = report
  const lines: Line[] = [
    ['scenario', report.scenario, `${config['broker']}, MQTT ${config['protocol']}, QoS ${config['qos']}`],
    [
      'connections',
      formatNumber(connect.count),
      `${formatNumber(connect.rate)} /s${connectNote(connect.failed, connect.lost)}`,
    ],
  ]
  if (publish.count > 0) {
    const refused = publish.refused > 0 ? `, ${formatNumber(publish.refused)} refused` : ''
    lines.push(['published', formatNumber(publish.count), `${formatNumber(publish.rate)} /s${refused}`])
  }
  if (deliver.count > 0 || (deliver.expected !== null && publish.count > 0)) {
    const of = deliver.expected === null ? '' : ` of ${formatNumber(deliver.expected)}`
    const rate = `${formatNumber(deliver.rate)} /s, ${formatNumber(deliver.mbPerSecond)} MB/s`
    lines.push(['delivered', `${formatNumber(deliver.count)}${of}`, rate])
    const faults = [
      [deliver.lost, 'lost'],
      [deliver.duplicated, 'repeated'],
      [deliver.outOfOrder, 'out of order'],
      [deliver.corrupted, 'changed'],
    ] as const
    const found = faults.filter(([count]) => count > 0).map(([count, what]) => `${formatNumber(count)} ${what}`)
    if (deliver.expected !== null) {
      lines.push([
        'check',
        found.length === 0 ? 'clean' : 'FAILED',
        found.length === 0 ? 'nothing lost, repeated, reordered or changed' : found.join(', '),
      ])
    }
  }
  for (const step of steps) {
    lines.push([step.name, formatNumber(step.count), `${formatNumber(step.rate)} /s, ${formatNumber(step.seconds)} s`])
  }
  if (broker !== null) {
    const { cpu, residentMb, heapMb, source } = broker
    const known = [
      cpu === null ? [] : ['CPU'],
      residentMb === null ? [] : [`${formatNumber(residentMb)} MB resident`],
      heapMb === null ? [] : [`${formatNumber(heapMb)} MB heap`],
    ].flat()
    const told = known.length === 0 ? 'nothing is known' : known.join(', ')
    lines.push(['broker', cpu === null ? '' : `${formatNumber(cpu * 100)} %`, `${told} (${source})`])
  }
  const verdict = generator.saturated ? 'it was the bottleneck' : 'not the bottleneck'
  lines.push(['generator', `${formatNumber(generator.cpu * 100)} %`, `CPU; ${verdict}`])
  const late = [`event loop p99 ${formatNumber(generator.eventLoopLagP99Ms)} ms late`]
  if (generator.sendDelayP99Ms > 0) late.push(`messages p99 ${formatNumber(generator.sendDelayP99Ms)} ms late`)
  if (generator.clockErrorMs > 0) late.push(`clocks within ${formatNumber(generator.clockErrorMs)} ms`)
  lines.push(['', '', late.join(', ')])
  for (const [text, count] of Object.entries(report.errors)) lines.push(['error', formatNumber(count), text])
  return lines
}

function connectNote(failed: number, lost: number): string {
  return `${failed > 0 ? `, ${formatNumber(failed)} failed` : ''}${lost > 0 ? `, ${formatNumber(lost)} lost` : ''}`
}
