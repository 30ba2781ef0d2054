import { parseDump } from './hex-dump.ts'
import type { Notation, NotationName, TextPart } from './notation.ts'

/**
 * Finds out how bytes are written down in a text.
 * @param wanted the only notation that counts; text, or any other word: whichever fits
 * @returns null when it is no notation of bytes
 */
export function readNotation(text: string, wanted = 'text'): Notation | null {
  const isFree = !readers.some(([name]) => name === wanted)
  for (const [name, read] of readers) {
    const notation = isFree || name === wanted ? read(text.trim(), text) : null
    if (notation?.parts.some(({ bytes }) => bytes.length > 0)) return notation
  }
  return null
}

type NotationReader = (trimmed: string, text: string) => Notation | null

const readers: readonly (readonly [NotationName, NotationReader])[] = [
  ['node', nodeBuffer],
  ['dump', (_, text) => parseDump(text)],
  ['follow', followRaw],
  ['follow', followYaml],
  ['erlang', erlangBinary],
  ['string', escapedString],
  ['hex', prefixedHex],
  ['hex', plainHex],
  ['decimal', decimalList],
  ['base64', base64],
]

function single(name: string, bytes: Buffer): Notation {
  return { name, parts: [{ bytes, party: null }] }
}

function nodeBuffer(text: string): Notation | null {
  const match = /<Buffer((?: [0-9a-f]{2})*)( \.\.\. \d+ more bytes?)?>/i.exec(text)
  if (match === null) return null
  const bytes = Buffer.from(match[1]!.replaceAll(' ', ''), 'hex')
  return { ...single('Node Buffer', bytes), isShortened: match[2] !== undefined }
}

function followRaw(text: string): Notation | null {
  if (!/^Follow: tcp,raw$/m.test(text)) return null
  const lines = text.split('\n').filter((line) => /^\t?(?:[0-9a-f]{2})+\r?$/i.test(line))
  const parts = lines.map((line) => partOf(Buffer.from(line.trim(), 'hex'), line.startsWith('\t')))
  return { name: 'tshark follow', parts }
}

function partOf(bytes: Buffer, isSecond: boolean): TextPart {
  return { bytes, party: isSecond ? 1 : 0 }
}

function followYaml(text: string): Notation | null {
  if (!/!!binary \|/.test(text)) return null
  const blocks = [...text.matchAll(/peer: ([01])[\s\S]*?!!binary \|\n((?: +[A-Za-z0-9+/=]+\r?\n?)+)/g)]
  return {
    name: 'tshark yaml',
    parts: blocks.map((block) => partOf(Buffer.from(block[2]!, 'base64'), block[1] === '1')),
  }
}

function erlangBinary(text: string): Notation | null {
  const match = /^<<([\s\S]*)>>\.?$/.exec(text)
  if (match === null) return null
  const tokens = match[1]!.match(/"(?:\\.|[^"\\])*"|16#[0-9a-f]+|\d+/gi) ?? []
  const bytes = tokens.map((token) => {
    if (token.startsWith('"')) return unescapeText(token.slice(1, -1))
    return Buffer.from([token.startsWith('16#') ? Number.parseInt(token.slice(3), 16) : Number(token)])
  })
  return single('Erlang binary', Buffer.concat(bytes))
}

const SIMPLE_ESCAPES: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, a: 7, b: 8, f: 12, v: 11, e: 27 }

function escapedString(text: string): Notation | null {
  if (!/\\(?:x[0-9a-f]|u00|[0-7])/i.test(text)) return null
  const quoted = [...text.matchAll(/[bB]?(["'`])((?:\\[\s\S]|(?!\1)[^\\])*)\1/g)].map((match) => match[2]!)
  const body = quoted.length > 0 ? quoted : [text]
  return single('string with escapes', Buffer.concat(body.map(unescapeText)))
}

function unescapeText(text: string): Buffer {
  const bytes: Buffer[] = []
  for (const [token] of text.matchAll(/\\x[0-9a-f]{1,2}|\\u[0-9a-f]{4}|\\[0-7]{1,3}|\\[\s\S]|[^\\]+/gi)) {
    if (!token.startsWith('\\')) bytes.push(Buffer.from(token))
    else if (/^\\x/i.test(token)) bytes.push(Buffer.from([Number.parseInt(token.slice(2), 16)]))
    else if (/^\\u/.test(token)) bytes.push(Buffer.from(String.fromCharCode(Number.parseInt(token.slice(2), 16))))
    else if (/^\\[0-7]/.test(token)) bytes.push(Buffer.from([Number.parseInt(token.slice(1), 8)]))
    else bytes.push(Buffer.from([SIMPLE_ESCAPES[token[1]!] ?? token.charCodeAt(1)]))
  }
  return Buffer.concat(bytes)
}

function prefixedHex(text: string): Notation | null {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, ' ')
  const tokens = code.match(/\b0x[0-9a-f]{1,2}\b/gi) ?? []
  const isOneWord = /^0x(?:[0-9a-f]{2})+$/i.test(code.trim())
  if (isOneWord) return single('hex', Buffer.from(code.trim().slice(2), 'hex'))
  if (tokens.length === 0 || /\b0x[0-9a-f]{3,}/i.test(code)) return null
  return single('list of 0x bytes', Buffer.from(tokens.map(Number)))
}

// Lines that are whole hex each are kept apart: they may be payloads of both sides.
function plainHex(text: string): Notation | null {
  const parts: TextPart[] = []
  for (const line of text.split(/\r?\n/)) {
    const digits = line.replaceAll(/[\s:,;.|_%-]/g, '')
    if (!/^[0-9a-f]*$/i.test(digits) || digits.length % 2 === 1) return null
    // single digits between separators are decimal
    if (/(?:^|[^0-9a-f])[0-9a-f](?:[^0-9a-f]|$)/i.test(line)) return null
    if (digits !== '') parts.push({ bytes: Buffer.from(digits, 'hex'), party: null })
  }
  return { name: 'hex', parts }
}

function decimalList(text: string): Notation | null {
  const body = text
    .replace(/^\{\s*"type"\s*:\s*"Buffer"\s*,\s*"data"\s*:/, '')
    .replaceAll(/[[\]{}()]/g, ' ')
    .trim()
  if (!/^-?\d{1,3}(?:[\s,;]+-?\d{1,3})*[,;]?$/.test(body)) return null
  const numbers = body
    .split(/[\s,;]+/)
    .filter(Boolean)
    .map(Number)
  if (numbers.some((number) => number < -128 || number > 255)) return null
  return single('decimal list', Buffer.from(numbers))
}

function base64(text: string): Notation | null {
  const body = text.replaceAll(/\s/g, '')
  if (body.length < 4 || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(body)) return null
  return single('base64', Buffer.from(body, 'base64'))
}
