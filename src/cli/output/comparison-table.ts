import type { MetricComparison } from '../../load/comparison.ts'
import { createPainter, type Terminal } from '../terminal.ts'
import { formatNumber, plainTable } from './bench-table.ts'

/** Medians of two sets of runs, side by side. */
export async function comparisonTable(comparisons: readonly MetricComparison[], terminal: Terminal): Promise<string> {
  const painter = await createPainter(terminal.stdoutColour)
  const head = ['median of runs', 'baseline', 'now', 'change', 'p', ''].map(painter.heading)
  const rows = comparisons.map(({ name, baseline, candidate, change, probability, isRegression }) => [
    name,
    formatNumber(baseline),
    formatNumber(candidate),
    `${change >= 0 ? '+' : ''}${(change * 100).toFixed(1)} %`,
    probability.toFixed(3),
    isRegression ? painter.error('worse') : '',
  ])
  return plainTable(head, rows, ['left', 'right', 'right', 'right', 'right', 'left'])
}
