import { Reader } from '../codec/reader.ts'
import { ProtocolViolation, type ViolationDetails, type ViolationName, violations } from '../codec/violation.ts'
import type { Field, Issue } from './inspected-packet.ts'

/** A Reader that notes each field with its place and value, notes violations, and goes on where something can follow. */
export class TraceReader extends Reader {
  fields: Field[] = []
  issues: Issue[] = []
  /** the packet ends before its Remaining Length says: fields that are missing are no further issue */
  isCut = false
  // greater than 0 inside a read that is made of other reads
  #depth = 0

  override open(bytes: Buffer, packetStart: number, bodyStart: number, bodyEnd: number, packetType: number): void {
    super.open(bytes, packetStart, bodyStart, bodyEnd, packetType)
    this.fields = []
    this.issues = []
    this.#depth = 0
    this.isCut = false
  }

  override byte(field: string): number {
    return this.#read(field, () => super.byte(field))
  }

  override uint16(field: string): number {
    return this.#read(field, () => super.uint16(field))
  }

  override uint32(field: string): number {
    return this.#read(field, () => super.uint32(field))
  }

  override variableByteInteger(field: string): number {
    return this.#read(field, () => super.variableByteInteger(field))
  }

  override string(field: string, nulCode?: number): string {
    return this.#read(field, () => super.string(field, nulCode))
  }

  override topicName(field: string): string {
    return this.#read(field, () => super.topicName(field))
  }

  override binary(field: string): Buffer {
    return this.#read(field, () => super.binary(field))
  }

  override skipString(field: string, nulCode?: number): number {
    return this.#skip(
      field,
      () => super.skipString(field, nulCode),
      (start) => this.text(start, this.offset),
    )
  }

  override skipBinary(field: string): number {
    return this.#skip(
      field,
      () => super.skipBinary(field),
      (start) => this.bytes.subarray(start, this.offset),
    )
  }

  override rest(field: string): number {
    const start = super.rest(field)
    if (this.offset > start) this.note(field, start, this.offset, this.bytes.subarray(start, this.offset))
    return start
  }

  /** Notes a field. @param start of {@link bytes}, as `end` */
  note(name: string, start: number, end: number, value: Field['value']): void {
    this.fields.push({ name, start: start - this.packetStart, end: end - this.packetStart, value })
  }

  override violate(violation: ViolationName, at: number, field?: string, more?: Partial<ViolationDetails>): void {
    this.#report(violation, at, field, more)
  }

  override fail(violation: ViolationName, at: number, field?: string, more?: Partial<ViolationDetails>): never {
    // what a cut packet lacks was reported with the cut
    if (!this.isCut) this.#report(violation, at, field, more)
    return super.fail(violation, at, field, more)
  }

  /** Notes what is no fault of the sender. @param at offset in {@link bytes} */
  warn(id: string, at: number, message: string): void {
    const start = at - this.packetStart
    const violation = id.toUpperCase().replaceAll('-', '_')
    this.issues.push({ id, violation, severity: 'warning', start, end: start + 1, message })
  }

  // The range is that of the field that holds the byte.
  #report(name: ViolationName, at: number, field?: string, more?: Partial<ViolationDetails>): void {
    const { version, packetType } = this
    const { statement } = new ProtocolViolation(name, { version, packetType, field, ...more })
    const start = Math.max(0, at - this.packetStart)
    const holder = this.fields.findLast((one) => one.start <= start && start < one.end)
    const read = (name === 'TRAILING_BYTES' ? this.end : this.offset) - this.packetStart
    const detail = more?.detail === undefined ? '' : ` (${more.detail})`
    this.issues.push({
      id: statement ?? name.toLowerCase().replaceAll('_', '-'),
      violation: name,
      severity: 'error',
      start,
      end: Math.max(start + 1, holder?.end ?? read),
      message: `${field === undefined ? '' : `${field}: `}${violations[name].text}${detail}`,
    })
  }

  #read<T extends Field['value']>(field: string, read: () => T): T {
    const start = this.offset
    const value = this.#nested(read)
    if (this.#depth === 0) this.note(field, start, this.offset, value)
    return value
  }

  #skip(field: string, read: () => number, valueAt: (start: number) => Field['value']): number {
    const from = this.offset
    const start = this.#nested(read)
    if (this.#depth === 0) this.note(field, from, this.offset, valueAt(start))
    return start
  }

  #nested<T>(read: () => T): T {
    this.#depth++
    try {
      return read()
    } finally {
      this.#depth--
    }
  }
}
