import type { Notation, TextPart } from './notation.ts'

interface Row {
  readonly offset: string
  readonly bytes: Buffer
  readonly isSecond: boolean
}

/**
 * Reads dumps with an offset before each row: xxd (also -b), hexdump (also -C), od, tcpdump -X and -XX, tshark -x and its
 * follow view. An offset of 0 starts the next frame. @returns null when hardly a line looks like a row
 */
export function parseDump(text: string): Notation | null {
  const isFollow = /^Follow: tcp,hex$/m.test(text)
  const rows = text
    .split(/\r?\n/)
    .map((line) => readRow(line, isFollow))
    .filter((row) => row !== null)
  if (rows.length === 0) return null
  const parts: TextPart[] = []
  let bytes: Buffer[] = []
  let isSecond = false
  const flush = (): void => {
    if (bytes.length > 0) parts.push({ bytes: Buffer.concat(bytes), party: isFollow ? (isSecond ? 1 : 0) : null })
    bytes = []
  }
  let rowBytes = 0
  for (const row of rows) {
    const startsFrame = isFollow ? row.isSecond !== isSecond || rowBytes !== 16 : /^0+$/.test(row.offset)
    if (startsFrame) flush()
    isSecond = row.isSecond
    rowBytes = row.bytes.length
    bytes.push(row.bytes)
  }
  flush()
  return { name: isFollow ? 'tshark follow' : 'hex dump', parts }
}

function readRow(line: string, isFollow: boolean): Row | null {
  const match = /^([\t ]*)(?:0x)?([0-9a-f]{4,8})(:?)[ \t]+(\S.*)$/i.exec(line)
  if (match === null) return null
  const [, indent = '', offset = '', colon = '', body = ''] = match
  const content = body.replace(/\s*(?:\|.*\||>.*<)\s*$/, '')
  const bytes = readBytes(content, colon === '')
  if (bytes === null || bytes.length === 0) return null
  return { offset, bytes, isSecond: isFollow && /\s/.test(indent) }
}

// Without a colon behind the offset, groups of more than one byte are words of hexdump and od: the low byte comes first.
function readBytes(content: string, isWords: boolean): Buffer | null {
  if (/^[01]{8}(?: [01]{8})*(?:\s|$)/.test(content)) return Buffer.from(leading(content, /[01]{8}/y).map(bits))
  if (isWords && /^[0-7]{6}(?: [0-7]{6})*\s*$/.test(content)) return words(leading(content, /[0-7]{6}/y), 8)
  if (isWords && /^ *[0-9a-f]{4}(?: +[0-9a-f]{4})*\s*$/i.test(content))
    return words(leading(content, /[0-9a-f]{4}/iy), 16)
  const groups = leading(content, /(?:[0-9a-f]{2})+(?![^\s])/iy)
  return groups.length === 0 ? null : Buffer.from(groups.join(''), 'hex').subarray(0, 16)
}

function bits(group: string): number {
  return Number.parseInt(group, 2)
}

function words(groups: readonly string[], base: number): Buffer {
  const bytes = Buffer.alloc(groups.length * 2)
  for (const [index, group] of groups.entries()) bytes.writeUInt16LE(Number.parseInt(group, base) & 0xffff, index * 2)
  return bytes
}

// Groups from the left; two spaces end them, for the text follows there, but for the gap after eight single bytes.
function leading(content: string, group: RegExp): string[] {
  const found: string[] = []
  let at = 0
  while (at < content.length) {
    group.lastIndex = at
    const match = group.exec(content)
    if (match === null) break
    found.push(match[0])
    at = group.lastIndex
    const gap = /^ +/.exec(content.slice(at))?.[0].length ?? 0
    const isMiddle = found.length === 8 && match[0].length === 2
    if (gap !== 1 && !(gap === 2 && isMiddle)) break
    at += gap
  }
  return found
}
