import { kindNames } from '../../inspect/payload/payload-reader.ts'
import type { PayloadValue } from '../../inspect/payload/payload-value.ts'
import { compactJson, indentedJson } from './exact-json.ts'

/** Longer values are shown in several lines, so many of them at most. */
const LINE_CHARACTERS = 60
const MAXIMUM_LINES = 200

/**
 * A payload for people: what it is and what it says, in one line or several.
 * @param plain how its bytes are shown otherwise
 */
export function payloadText(payload: PayloadValue, bytes: Buffer, plain: string): string[] {
  const { kind, value, problem } = payload
  if (problem !== undefined) return [plain, problem]
  switch (kind) {
    case 'text':
      return [plain]
    case 'hex':
    case 'base64':
      return [String(value)]
    case 'json':
      // of the text itself: numbers may have more digits than a parsed one keeps
      return jsonText('JSON', compactJson(bytes.toString()) ?? JSON.stringify(value))
    case 'gzip':
    case 'zlib': {
      const [first = '', ...further] = decodedText(value as PayloadValue)
      return [`${kindNames[kind]} of ${first}`, ...further]
    }
    default:
      return decodedText(payload)
  }
}

function decodedText({ kind, value }: PayloadValue): string[] {
  switch (kind) {
    case 'gzip':
    case 'zlib': {
      const [first = '', ...further] = decodedText(value as PayloadValue)
      return [`${kindNames[kind]} of ${first}`, ...further]
    }
    case 'sparkplug':
      return sparkplugText(value as PlainSparkplug)
    default:
      return jsonText(kindNames[kind], JSON.stringify(value))
  }
}

function jsonText(title: string, json: string): string[] {
  if (json.length <= LINE_CHARACTERS || !/^[{[]/.test(json)) return [`${title} ${json}`]
  return atMost([title, ...indentedJson(json).split('\n')])
}

interface PlainSparkplug {
  readonly message?: string
  readonly timestamp?: string
  readonly seq?: number
  readonly metrics: readonly { name: string | null; alias?: number; type: string | null; value: unknown }[]
}

// `Sparkplug B DDATA, seq 2, 2026-...`, and a line per metric: `rpm = 1460 (Int32)`. The topic says whose it is.
function sparkplugText({ message, timestamp, seq, metrics }: PlainSparkplug): string[] {
  const title = [
    `${kindNames.sparkplug}${message === undefined ? '' : ` ${message}`}`,
    ...(seq === undefined ? [] : [`seq ${seq}`]),
    ...(timestamp === undefined ? [] : [timestamp]),
  ]
  const lines = metrics.map(({ name, alias, type, value }) => {
    const called = name ?? (alias === undefined ? 'without a name' : `alias ${alias}`)
    return `${called} = ${JSON.stringify(value)} (${type ?? 'type not known'})`
  })
  return atMost([title.join(', '), ...lines])
}

function atMost(lines: readonly string[]): string[] {
  if (lines.length <= MAXIMUM_LINES) return [...lines]
  return [...lines.slice(0, MAXIMUM_LINES), `... and ${lines.length - MAXIMUM_LINES} lines more; --json shows all`]
}
