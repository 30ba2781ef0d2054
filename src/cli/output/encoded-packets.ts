import { packetTypeNames } from '../../codec/packet-type.ts'
import type { EncodedPacket } from '../input/json-packet.ts'
import type { ByteNotation, PacketWriter } from './packet-writer.ts'

/** The writer of a notation; that of captures is loaded when it is wanted. */
export async function packetWriter(notation: ByteNotation): Promise<PacketWriter> {
  switch (notation) {
    case 'hex':
      return { begin: () => '', packet: ({ bytes }) => `${bytes.toString('hex')}\n`, end: () => '' }
    case 'binary':
      return { begin: () => '', packet: ({ bytes }) => bytes, end: () => '' }
    case 'base64':
      return new Base64Writer()
    case 'c':
      return cWriter
    case 'pcapng': {
      const { CaptureWriter } = await import('./capture-writer.ts')
      return new CaptureWriter()
    }
  }
}

const GROUP_BYTES = 3

/** All bytes in one line, as base64 -w0 writes it: what was padded in between could not be joined. */
class Base64Writer implements PacketWriter {
  #rest = Buffer.alloc(0)

  begin(): string {
    return ''
  }

  packet({ bytes }: EncodedPacket): string {
    const all = Buffer.concat([this.#rest, bytes])
    const whole = all.length - (all.length % GROUP_BYTES)
    this.#rest = all.subarray(whole)
    return all.toString('base64', 0, whole)
  }

  end(): string {
    return `${this.#rest.toString('base64')}\n`
  }
}

const ROW_BYTES = 12

/** One array with a comment in front of each packet. */
const cWriter: PacketWriter = {
  begin: () => 'const unsigned char mqtt_packets[] = {\n',
  packet: ({ bytes }) => {
    const rows: string[] = []
    for (let at = 0; at < bytes.length; at += ROW_BYTES) {
      const row = [...bytes.subarray(at, at + ROW_BYTES)].map((byte) => `0x${byte.toString(16).padStart(2, '0')},`)
      rows.push(`  ${row.join(' ')}\n`)
    }
    const size = `${bytes.length} ${bytes.length === 1 ? 'byte' : 'bytes'}`
    return `  /* ${packetTypeNames[(bytes[0] ?? 0) >> 4]}, ${size} */\n${rows.join('')}`
  },
  end: () => '};\n',
}
