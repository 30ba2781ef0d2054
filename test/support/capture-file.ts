/**
 * Capture files as frames: pcap with microseconds or nanoseconds and pcapng, each in both byte orders. What is inside
 * a frame is not looked at here. Written for the captures of the tests: anything else in a file is an error.
 */

/** One captured frame. */
export interface Frame {
  /** counted from 1, as capture tools do */
  readonly number: number
  /** since 1 January 1970; a bigint, because a double is a quarter of a microsecond off by now */
  readonly timeNanoseconds: bigint
  /** LINKTYPE_ value: 0 NULL, 1 EN10MB, 101 RAW, 113 SLL, 276 SLL2 */
  readonly linkType: number
  /** a view into the file, the link header first */
  readonly bytes: Buffer
}

/** All frames of a file, in file order. Throws on a format it does not know and on a file that is cut. */
export function readFrames(file: Buffer): Frame[] {
  if (file.readUInt32BE(0) === SECTION_HEADER) return readPcapng(file)
  for (const littleEndian of [true, false]) {
    const magic = integers(file, littleEndian).uint32(0)
    if (magic === PCAP_MICROSECONDS) return readPcap(file, littleEndian, 1_000n)
    if (magic === PCAP_NANOSECONDS) return readPcap(file, littleEndian, 1n)
  }
  throw new Error('neither pcap nor pcapng')
}

const PCAP_MICROSECONDS = 0xa1b2c3d4
const PCAP_NANOSECONDS = 0xa1b23c4d
const PCAP_FILE_HEADER_BYTES = 24
const PCAP_FRAME_HEADER_BYTES = 16

const SECTION_HEADER = 0x0a0d0d0a
const INTERFACE_DESCRIPTION = 1
const ENHANCED_PACKET = 6
const BYTE_ORDER_MAGIC = 0x1a2b3c4d
const OPTION_TIME_RESOLUTION = 9

function integers(bytes: Buffer, littleEndian: boolean) {
  return {
    uint16: (offset: number) => (littleEndian ? bytes.readUInt16LE(offset) : bytes.readUInt16BE(offset)),
    uint32: (offset: number) => (littleEndian ? bytes.readUInt32LE(offset) : bytes.readUInt32BE(offset)),
  }
}

function slice(file: Buffer, start: number, bytes: number): Buffer {
  if (start + bytes > file.length) throw new Error(`the file ends inside a frame, at byte ${file.length}`)
  return file.subarray(start, start + bytes)
}

function readPcap(file: Buffer, littleEndian: boolean, nanosecondsPerTick: bigint): Frame[] {
  const { uint32 } = integers(file, littleEndian)
  const linkType = uint32(20)
  const frames: Frame[] = []
  let offset = PCAP_FILE_HEADER_BYTES
  while (offset < file.length) {
    const bytes = slice(file, offset + PCAP_FRAME_HEADER_BYTES, uint32(offset + 8))
    const timeNanoseconds = BigInt(uint32(offset)) * 1_000_000_000n + BigInt(uint32(offset + 4)) * nanosecondsPerTick
    frames.push({ number: frames.length + 1, timeNanoseconds, linkType, bytes })
    offset += PCAP_FRAME_HEADER_BYTES + bytes.length
  }
  return frames
}

interface CaptureInterface {
  readonly linkType: number
  readonly ticksPerSecond: bigint
}

function readPcapng(file: Buffer): Frame[] {
  const frames: Frame[] = []
  let interfaces: CaptureInterface[] = []
  let littleEndian = true
  let offset = 0
  while (offset < file.length) {
    if (file.readUInt32BE(offset) === SECTION_HEADER) {
      littleEndian = file.readUInt32LE(offset + 8) === BYTE_ORDER_MAGIC
      interfaces = []
    }
    const { uint32 } = integers(file, littleEndian)
    const type = uint32(offset)
    const blockBytes = uint32(offset + 4)
    const body = slice(file, offset, blockBytes).subarray(8, -4)
    if (type === INTERFACE_DESCRIPTION) interfaces.push(readInterface(body, littleEndian))
    if (type === ENHANCED_PACKET) frames.push(readEnhancedPacket(body, littleEndian, interfaces, frames.length + 1))
    offset += blockBytes
  }
  return frames
}

function readInterface(body: Buffer, littleEndian: boolean): CaptureInterface {
  const { uint16 } = integers(body, littleEndian)
  let ticksPerSecond = 1_000_000n
  for (let offset = 8; offset + 4 <= body.length; offset += 4 + Math.ceil(uint16(offset + 2) / 4) * 4) {
    if (uint16(offset) === OPTION_TIME_RESOLUTION) ticksPerSecond = resolution(body.readUInt8(offset + 4))
  }
  return { linkType: uint16(0), ticksPerSecond }
}

/** The top bit tells whether the rest is a power of two or of ten. */
function resolution(option: number): bigint {
  return (option & 0x80 ? 2n : 10n) ** BigInt(option & 0x7f)
}

function readEnhancedPacket(
  body: Buffer,
  littleEndian: boolean,
  interfaces: readonly CaptureInterface[],
  number: number,
): Frame {
  const { uint32 } = integers(body, littleEndian)
  const source = interfaces[uint32(0)]
  if (!source) throw new Error(`frame ${number} names an interface that was not described`)
  const ticks = (BigInt(uint32(4)) << 32n) | BigInt(uint32(8))
  const timeNanoseconds = (ticks * 1_000_000_000n) / source.ticksPerSecond
  return { number, timeNanoseconds, linkType: source.linkType, bytes: slice(body, 20, uint32(12)) }
}
