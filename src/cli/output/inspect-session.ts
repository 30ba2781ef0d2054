import { protocolVersionName } from '../../codec/protocol-version.ts'
import type { Finding } from '../../inspect/analysis/finding.ts'
import type { ConversationSummary, SessionAnalysis } from '../../inspect/analysis/session-analysis.ts'
import type { Painter } from '../terminal.ts'

const SHOWN_CONNECTIONS = 200
const SHOWN_TOPICS = 10

/** What a capture comes to: connections, latencies, topics, and what is wrong with the sessions. */
export function sessionReport(analysis: SessionAnalysis, painter: Painter, columns: number): string {
  const { summaries, latencies, topics, findings, unlistedFindings } = analysis
  const firstSeconds = Math.min(...summaries.map((one) => one.firstSeconds ?? Number.POSITIVE_INFINITY))
  const lines = [
    painter.heading(`Connections: ${summaries.length}`),
    ...[...summaries]
      .sort((a, b) => a.stream - b.stream)
      .slice(0, SHOWN_CONNECTIONS)
      .map((one) => cut(connectionLine(one, firstSeconds), columns)),
  ]
  if (summaries.length > SHOWN_CONNECTIONS) lines.push(`  and ${summaries.length - SHOWN_CONNECTIONS} more`)
  if (latencies.kinds.size > 0) {
    lines.push('', painter.heading('Latency in milliseconds     count     least    median       99%      most'))
    for (const [kind, latency] of latencies.kinds) {
      const numbers = [latency.minimumMs, latency.percentileMs(0.5), latency.percentileMs(0.99), latency.maximumMs]
      const cells = numbers.map((ms) => ms.toFixed(3).padStart(9)).join(' ')
      lines.push(`  ${kind.padEnd(22)} ${String(latency.count).padStart(8)} ${cells}`)
    }
  }
  const top = topics.top(SHOWN_TOPICS)
  if (top.length > 0) {
    lines.push(
      '',
      painter.heading(`Topics with most messages${topics.isExact ? '' : ' (there are too many: at least)'}`),
    )
    for (const { topicName, messages, bytes } of top) {
      lines.push(
        cut(
          `  ${String(messages).padStart(8)}  ${String(bytes).padStart(10)} B  ${JSON.stringify(topicName)}`,
          columns,
        ),
      )
    }
  }
  const count = findings.length + unlistedFindings
  lines.push('', painter.heading(count === 0 ? 'Findings: none' : `Findings: ${count}`))
  for (const finding of findings) lines.push(...findingLines(finding, firstSeconds, painter, columns))
  if (unlistedFindings > 0) lines.push(`  and ${unlistedFindings} more`)
  return `${lines.join('\n')}\n`
}

/** One finding as the JSON object that `inspect --json --view session` prints. */
export function findingJson({ id, name, severity, stream, frame, timeSeconds, message, advice }: Finding): string {
  return JSON.stringify({ finding: name, id, severity, stream, frame, time: timeSeconds, message, advice })
}

function connectionLine(one: ConversationSummary, firstSeconds: number): string {
  const { stream, parties, version, clientId, packets, bytes } = one
  const times = [one.firstSeconds, one.lastSeconds].map((seconds) =>
    ((seconds ?? firstSeconds) - firstSeconds).toFixed(3),
  )
  const end = parties.closed === null ? 'open at the end' : parties.closed.isReset ? 'reset' : 'closed'
  const who = clientId === null ? 'client unknown' : JSON.stringify(clientId)
  const name = protocolVersionName(version)
  const traffic = `${packets} packets, ${bytes} B, ${times.join(' to ')} s, ${end}`
  return `  #${stream} ${who} MQTT ${name}, ${traffic}, ${parties.client} -> ${parties.server}`
}

function findingLines(finding: Finding, firstSeconds: number, painter: Painter, columns: number): string[] {
  const { id, severity, stream, frame, timeSeconds, message, advice } = finding
  const when = timeSeconds === null ? '' : `, ${(timeSeconds - firstSeconds).toFixed(6)} s`
  const paint = severity === 'error' ? painter.error : (text: string) => text
  const head = `${severity} [${id}] #${stream}, frame ${frame ?? '?'}${when}: ${message}`
  return [
    ...folded(head, '  ', columns).map(paint),
    ...folded(advice, '      ', columns).map((line) => painter.faint(line)),
  ]
}

function folded(text: string, indent: string, columns: number): string[] {
  const lines: string[] = []
  let line = indent
  for (const word of text.split(' ')) {
    if (line.trim() !== '' && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = `${indent}  `
    }
    line += line.trim() === '' ? word : ` ${word}`
  }
  return [...lines, line]
}

function cut(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, columns - 3)}...`
}
