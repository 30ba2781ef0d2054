/** One captured frame. */
export interface CapturedFrame {
  /** counted from 1, as capture tools do */
  readonly number: number
  /** seconds since 1970; null where the file does not tell */
  readonly timeSeconds: number | null
  /** LINKTYPE_ value */
  readonly linkType: number
  /** a view, the link header first */
  readonly bytes: Buffer
}

const PCAP_MICROSECONDS = 0xa1b2c3d4
const PCAP_NANOSECONDS = 0xa1b23c4d
const SECTION_HEADER = 0x0a0d0d0a
const BYTE_ORDER_MAGIC = 0x1a2b3c4d
const INTERFACE_DESCRIPTION = 1
const SIMPLE_PACKET = 3
const ENHANCED_PACKET = 6
const OPTION_TIME_RESOLUTION = 9
/** A block or frame that says it is larger is taken for damage. */
const MAXIMUM_BLOCK_BYTES = 16 * 1024 * 1024
const EMPTY = Buffer.alloc(0)

/** Do the bytes begin like pcap or pcapng? */
export function isCaptureFile(bytes: Buffer): boolean {
  if (bytes.length < 24) return false
  const big = bytes.readUInt32BE(0)
  const little = bytes.readUInt32LE(0)
  return (
    big === SECTION_HEADER || [PCAP_MICROSECONDS, PCAP_NANOSECONDS].some((magic) => magic === big || magic === little)
  )
}

interface CaptureInterface {
  readonly linkType: number
  readonly ticksPerSecond: number
}

/** Frames of pcap and pcapng in both byte orders, from chunks of any size; keeps one incomplete block at most. */
export class CaptureReader {
  #kept: Buffer = EMPTY
  #isStarted = false
  #isPcapng = false
  #isLittle = true
  #pcap: CaptureInterface = { linkType: 1, ticksPerSecond: 1e6 }
  #interfaces: CaptureInterface[] = []
  #count = 0
  /** what is wrong with the file; null when nothing is */
  damage: string | null = null

  push(chunk: Buffer, sink: (frame: CapturedFrame) => void): void {
    if (this.damage !== null) return
    const bytes = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk])
    let at = this.#isStarted ? 0 : this.#start(bytes)
    while (this.#isStarted && this.damage === null && at < bytes.length) {
      const next = this.#isPcapng ? this.#block(bytes, at, sink) : this.#record(bytes, at, sink)
      if (next === at) break
      at = next
    }
    this.#kept = bytes.subarray(at)
  }

  end(): void {
    if (this.#kept.length > 0) this.damage ??= `the file ends inside frame ${this.#count + 1}`
  }

  #uint32(bytes: Buffer, at: number): number {
    return this.#isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)
  }

  #uint16(bytes: Buffer, at: number): number {
    return this.#isLittle ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at)
  }

  #start(bytes: Buffer): number {
    if (bytes.length < 24) return 0
    this.#isStarted = true
    this.#isPcapng = bytes.readUInt32BE(0) === SECTION_HEADER
    if (this.#isPcapng) return 0
    const magics = [PCAP_MICROSECONDS, PCAP_NANOSECONDS]
    this.#isLittle = magics.includes(bytes.readUInt32LE(0))
    const ticksPerSecond = this.#uint32(bytes, 0) === PCAP_NANOSECONDS ? 1e9 : 1e6
    this.#pcap = { linkType: this.#uint32(bytes, 20) & 0xffff, ticksPerSecond }
    return 24
  }

  #record(bytes: Buffer, at: number, sink: (frame: CapturedFrame) => void): number {
    if (at + 16 > bytes.length) return at
    const length = this.#uint32(bytes, at + 8)
    if (length > MAXIMUM_BLOCK_BYTES) {
      this.damage = `frame ${this.#count + 1} states ${length} bytes`
      return at
    }
    const end = at + 16 + length
    if (end > bytes.length) return at
    const { linkType, ticksPerSecond } = this.#pcap
    const timeSeconds = this.#uint32(bytes, at) + this.#uint32(bytes, at + 4) / ticksPerSecond
    sink({ number: ++this.#count, timeSeconds, linkType, bytes: bytes.subarray(at + 16, end) })
    return end
  }

  #block(bytes: Buffer, at: number, sink: (frame: CapturedFrame) => void): number {
    if (at + 12 > bytes.length) return at
    if (bytes.readUInt32BE(at) === SECTION_HEADER) {
      this.#isLittle = bytes.readUInt32LE(at + 8) === BYTE_ORDER_MAGIC
      this.#interfaces = []
    }
    const length = this.#uint32(bytes, at + 4)
    if (length > MAXIMUM_BLOCK_BYTES || length < 12 || length % 4 !== 0) {
      this.damage = `a block after frame ${this.#count} states ${length} bytes`
      return at
    }
    const end = at + length
    if (end > bytes.length) return at
    this.#readBlock(this.#uint32(bytes, at), bytes.subarray(at + 8, end - 4), sink)
    return end
  }

  #readBlock(type: number, body: Buffer, sink: (frame: CapturedFrame) => void): void {
    if (type === INTERFACE_DESCRIPTION && body.length >= 8) this.#interfaces.push(this.#interface(body))
    if (type === ENHANCED_PACKET && body.length >= 20) {
      const source = this.#interfaces[this.#uint32(body, 0)]
      if (source === undefined) return
      const ticks = this.#uint32(body, 4) * 2 ** 32 + this.#uint32(body, 8)
      const bytes = body.subarray(20, 20 + this.#uint32(body, 12))
      sink({ number: ++this.#count, timeSeconds: ticks / source.ticksPerSecond, linkType: source.linkType, bytes })
    }
    if (type === SIMPLE_PACKET && body.length >= 4) {
      const linkType = this.#interfaces[0]?.linkType ?? 1
      const bytes = body.subarray(4, 4 + this.#uint32(body, 0))
      sink({ number: ++this.#count, timeSeconds: null, linkType, bytes })
    }
  }

  #interface(body: Buffer): CaptureInterface {
    let ticksPerSecond = 1e6
    for (let at = 8; at + 4 < body.length; at += 4 + Math.ceil(this.#uint16(body, at + 2) / 4) * 4) {
      if (this.#uint16(body, at) !== OPTION_TIME_RESOLUTION) continue
      const option = body[at + 4]!
      ticksPerSecond = (option & 0x80 ? 2 : 10) ** (option & 0x7f)
    }
    return { linkType: this.#uint16(body, 0), ticksPerSecond }
  }
}
