import { Reader } from '../codec/reader.ts'
import { ProtocolViolation, type ViolationDetails, type ViolationName, violations } from '../codec/violation.ts'
import type { Field, Issue } from './trace.ts'

/** A Reader that notes each field with its place and value, notes violations, and goes on where something can follow. */
export class TraceReader extends Reader {
  fields: Field[] = []
  issues: Issue[] = []
  /** the packet ends before its Remaining Length says: fields that are missing are no further issue */
  isCut = false
  // greater than 0 inside a read that is made of other reads; a read that fails ends the packet, so it need not count back
  #depth = 0

  override open(bytes: Buffer, packetStart: number, bodyStart: number, bodyEnd: number, packetType: number): void {
    super.open(bytes, packetStart, bodyStart, bodyEnd, packetType)
    this.fields = []
    this.issues = []
    this.#depth = 0
    this.isCut = false
  }

  override byte(field: string): number {
    const start = this.offset
    const value = super.byte(field)
    if (this.#depth === 0) this.note(field, start, this.offset, value)
    return value
  }

  override uint16(field: string): number {
    const start = this.offset
    const value = super.uint16(field)
    if (this.#depth === 0) this.note(field, start, this.offset, value)
    return value
  }

  override uint32(field: string): number {
    const start = this.offset
    const value = super.uint32(field)
    this.note(field, start, this.offset, value)
    return value
  }

  override variableByteInteger(field: string): number {
    const start = this.offset
    this.#depth++
    const value = super.variableByteInteger(field)
    this.#depth--
    this.note(field, start, this.offset, value)
    return value
  }

  override string(field: string, nulCode?: number): string {
    const start = this.offset
    this.#depth++
    const value = super.string(field, nulCode)
    this.#depth--
    if (this.#depth === 0) this.note(field, start, this.offset, value)
    return value
  }

  override topicName(field: string): string {
    const start = this.offset
    this.#depth++
    const value = super.topicName(field)
    this.#depth--
    this.note(field, start, this.offset, value)
    return value
  }

  // each field is noted each time
  override skipKnown(): boolean {
    return false
  }

  override binary(field: string): Buffer {
    const start = this.offset
    this.#depth++
    const value = super.binary(field)
    this.#depth--
    this.note(field, start, this.offset, value)
    return value
  }

  override skipString(field: string, nulCode?: number): number {
    const from = this.offset
    this.#depth++
    const start = super.skipString(field, nulCode)
    this.#depth--
    if (this.#depth === 0) this.note(field, from, this.offset, this.text(start, this.offset))
    return start
  }

  override skipBinary(field: string): number {
    const from = this.offset
    const start = super.skipBinary(field)
    if (this.#depth === 0) this.note(field, from, this.offset, this.bytes.subarray(start, this.offset))
    return start
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
}
