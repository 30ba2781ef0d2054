import type { EncodedPacket } from '../input/json-packet.ts'

/** How `inspect encode` may write bytes. */
export const byteNotations = ['hex', 'base64', 'c', 'binary', 'pcapng'] as const
export type ByteNotation = (typeof byteNotations)[number]

/** Writes packets down one after the other; what comes back is for the output, in order. */
export interface PacketWriter {
  begin(): string | Buffer
  packet(packet: EncodedPacket): string | Buffer
  end(): string | Buffer
}
