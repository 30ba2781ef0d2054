/**
 * How LevelDB's files are made, as far as it takes to tell whether one is whole: the log format of its log and its manifest, the
 * edits in the manifest, the blocks of a table. Reading only. (doc/log_format.md and doc/table_format.md of google/leveldb,
 * unchanged since 2011)
 */
import { maskedCrc32c } from './crc32c.ts'

/** A file is not as LevelDB writes it; the message says where. */
export class BrokenFile extends Error {}

const LOG_BLOCK_BYTES = 32_768
const LOG_HEADER_BYTES = 7
const RecordType = { FULL: 1, FIRST: 2, MIDDLE: 3, LAST: 4 } as const

/** What a log holds. */
export interface LogContent {
  readonly records: Buffer[]
  /** bytes at the end that are no whole record: the machine, not the process, died while they were written */
  readonly tornBytes: number
}

/** @throws BrokenFile where a record has a wrong checksum, or is not where one has to be */
export function readLog(file: Buffer): LogContent {
  const records: Buffer[] = []
  let parts: Buffer[] = []
  let wholeUntil = 0
  for (let at = 0; at < file.length; ) {
    const leftInBlock = LOG_BLOCK_BYTES - (at % LOG_BLOCK_BYTES)
    if (leftInBlock < LOG_HEADER_BYTES) {
      at += leftInBlock
      continue
    }
    const start = at + LOG_HEADER_BYTES
    const end = start + (start <= file.length ? file.readUInt16LE(at + 4) : 0)
    const isCutOff = end > file.length || (file[at + 6] === 0 && isZero(file, at, file.length))
    if (isCutOff && !hasRecordBehind(file, at)) break
    if (isCutOff || end - at > leftInBlock || file.readUInt32LE(at) !== maskedCrc32c(file, at + 6, end)) {
      throw new BrokenFile(`a wrong checksum at byte ${at}`)
    }
    const type = file[at + 6]!
    const begins = type === RecordType.FULL || type === RecordType.FIRST
    if (begins !== (parts.length === 0)) throw new BrokenFile(`half a record at byte ${at}`)
    parts.push(file.subarray(start, end))
    at = end
    if (type === RecordType.FULL || type === RecordType.LAST) {
      records.push(parts.length === 1 ? parts[0]! : Buffer.concat(parts))
      parts = []
      wholeUntil = at
    }
  }
  return { records, tornBytes: trailing(file, wholeUntil) }
}

// Up to 6 zeros fill a block that has no room for another header.
function trailing(file: Buffer, wholeUntil: number): number {
  const leftInBlock = LOG_BLOCK_BYTES - (wholeUntil % LOG_BLOCK_BYTES)
  const filled = leftInBlock < LOG_HEADER_BYTES ? wholeUntil + leftInBlock : wholeUntil
  return Math.max(0, file.length - filled)
}

// What is cut off is the end; a length that has been damaged has whole records behind it.
function hasRecordBehind(file: Buffer, from: number): boolean {
  for (let at = from + 1; at + LOG_HEADER_BYTES < file.length; at++) {
    const end = at + LOG_HEADER_BYTES + file.readUInt16LE(at + 4)
    const type = file[at + 6]!
    if (type < RecordType.FULL || type > RecordType.LAST || end > file.length) continue
    if (file.readUInt32LE(at) === maskedCrc32c(file, at + 6, end)) return true
  }
  return false
}

function isZero(file: Buffer, from: number, until: number): boolean {
  for (let at = from; at < until; at++) if (file[at] !== 0) return false
  return true
}

/** Reads numbers and byte ranges one after the other. */
class Cursor {
  readonly bytes: Buffer
  at: number
  readonly end: number

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  /** 7 bits per byte, the lowest first; exact up to 2^53 */
  varint(): number {
    let value = 0
    for (let factor = 1; factor <= 2 ** 63; factor *= 128) {
      const byte = this.at < this.end ? this.bytes[this.at++]! : 0x80
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    throw new BrokenFile(`a number without end at byte ${this.at}`)
  }

  skip(byteCount: number): void {
    if (byteCount > this.end - this.at) throw new BrokenFile(`a field past the end at byte ${this.at}`)
    this.at += byteCount
  }
}

const EditTag = {
  COMPARATOR: 1,
  LOG_NUMBER: 2,
  NEXT_FILE_NUMBER: 3,
  LAST_SEQUENCE: 4,
  COMPACT_POINTER: 5,
  DELETED_FILE: 6,
  NEW_FILE: 7,
  PREVIOUS_LOG_NUMBER: 9,
} as const

/** Which files a database has, by its manifest. */
export interface ManifestContent {
  /** logs from this number on have what is in no table yet; 0: a database that was never opened again */
  readonly logNumber: number
  readonly previousLogNumber: number
  /** sizes in bytes of the tables, by number */
  readonly tables: ReadonlyMap<number, number>
}

/** @throws BrokenFile */
export function readManifest(file: Buffer): ManifestContent {
  const { records, tornBytes } = readLog(file)
  if (tornBytes > 0) throw new BrokenFile(`it ends within a record, ${tornBytes} bytes of it are there`)
  if (records.length === 0) throw new BrokenFile('it is empty')
  const tables = new Map<number, number>()
  const numbers = { logNumber: 0, previousLogNumber: 0 }
  for (const record of records) applyEdit(new Cursor(record), tables, numbers)
  return { ...numbers, tables }
}

function applyEdit(
  cursor: Cursor,
  tables: Map<number, number>,
  numbers: { logNumber: number; previousLogNumber: number },
): void {
  while (cursor.at < cursor.end) {
    const tag = cursor.varint()
    switch (tag) {
      case EditTag.COMPARATOR:
        cursor.skip(cursor.varint())
        break
      case EditTag.LOG_NUMBER:
        numbers.logNumber = cursor.varint()
        break
      case EditTag.PREVIOUS_LOG_NUMBER:
        numbers.previousLogNumber = cursor.varint()
        break
      case EditTag.NEXT_FILE_NUMBER:
      case EditTag.LAST_SEQUENCE:
        cursor.varint()
        break
      case EditTag.COMPACT_POINTER:
        cursor.varint()
        cursor.skip(cursor.varint())
        break
      case EditTag.DELETED_FILE:
        cursor.varint()
        tables.delete(cursor.varint())
        break
      case EditTag.NEW_FILE: {
        cursor.varint()
        const number = cursor.varint()
        tables.set(number, cursor.varint())
        cursor.skip(cursor.varint())
        cursor.skip(cursor.varint())
        break
      }
      default:
        throw new BrokenFile(`an edit of kind ${tag}, which LevelDB does not know`)
    }
  }
}

const FOOTER_BYTES = 48
const MAGIC = Buffer.from('57fb808b247547db', 'hex')
/** behind each block: how it is compressed, and a checksum */
const BLOCK_TRAILER_BYTES = 5

/** Where a block lies. */
interface BlockHandle {
  readonly offset: number
  readonly size: number
}

/** Checks every block of a table. @throws BrokenFile */
export function checkTable(file: Buffer): void {
  const footerAt = file.length - FOOTER_BYTES
  if (footerAt < 0 || !file.subarray(-MAGIC.length).equals(MAGIC))
    throw new BrokenFile('it does not end as a table does')
  const footer = new Cursor(file, footerAt)
  const metaIndex = readHandle(footer)
  const index = readHandle(footer)
  if (!isZero(file, footer.at, file.length - MAGIC.length))
    throw new BrokenFile('its last bytes are not those of a table')
  for (const handle of [metaIndex, index]) checkBlock(file, handle)
  for (const handle of [...handlesIn(file, metaIndex), ...handlesIn(file, index)]) checkBlock(file, handle)
}

function readHandle(cursor: Cursor): BlockHandle {
  return { offset: cursor.varint(), size: cursor.varint() }
}

function checkBlock(file: Buffer, { offset, size }: BlockHandle): void {
  const end = offset + size
  if (end + BLOCK_TRAILER_BYTES > file.length) throw new BrokenFile(`a block past the end at byte ${offset}`)
  if (file[end] !== 0) throw new BrokenFile(`a compressed block at byte ${offset}; this store is written without`)
  if (file.readUInt32LE(end + 1) !== maskedCrc32c(file, offset, end + 1)) {
    throw new BrokenFile(`a wrong checksum in the block at byte ${offset}`)
  }
}

// The values of a block of handles; its keys share beginnings, which does not matter here.
function handlesIn(file: Buffer, { offset, size }: BlockHandle): BlockHandle[] {
  const restarts = size >= 4 ? file.readUInt32LE(offset + size - 4) : Number.POSITIVE_INFINITY
  const end = offset + size - 4 - 4 * restarts
  if (end < offset) throw new BrokenFile(`a block without end at byte ${offset}`)
  const handles: BlockHandle[] = []
  const cursor = new Cursor(file, offset, end)
  while (cursor.at < end) {
    cursor.varint()
    const keyBytes = cursor.varint()
    const valueBytes = cursor.varint()
    cursor.skip(keyBytes)
    handles.push(readHandle(new Cursor(file, cursor.at, cursor.at + valueBytes)))
    cursor.skip(valueBytes)
  }
  return handles
}
