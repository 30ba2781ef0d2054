import type { Finding, Status } from '../diagnosis/finding.ts'
import type { Painter } from '../terminal.ts'
import { oneLine } from './talk.ts'

const STATUS_COLUMNS = 9
const STEP_COLUMNS = 22
const INDENT = ' '.repeat(STATUS_COLUMNS + STEP_COLUMNS)

/** A finding for people: a line, and for what is not in order its likely cause and what to try. */
export function findingText({ step, status, text, ms, cause, remedy }: Finding, painter: Painter): string {
  const time = ms === null ? '' : painter.faint(` (${ms} ms)`)
  const lines = [
    `${paint(status, painter)}${step.padEnd(STEP_COLUMNS)}${oneLine(text)}${time}`,
    ...(cause === undefined ? [] : [`${INDENT}${cause}`]),
    ...(remedy === undefined ? [] : [`${INDENT}${painter.accent('Try:')} ${remedy}`]),
  ]
  return `${lines.join('\n')}\n`
}

function paint(status: Status, painter: Painter): string {
  const padded = status.padEnd(STATUS_COLUMNS)
  return status === 'failed' ? painter.error(padded) : status === 'ok' ? padded : painter.faint(padded)
}
