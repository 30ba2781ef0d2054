import type { OnReadOpts } from 'node:net'

/** As much as Node reads from a socket by one system call without it. */
const SHARED_BYTES = 65_536

let shared: Buffer | null = null

/**
 * Lets a socket read into memory that all sockets with a SharedInput have in common, past its stream: what came is handed on before
 * anything else is read. Without it each read takes 64 KiB of its own from the system and leaves them to the garbage collector.
 */
export class SharedInput {
  /** where bytes go; set before the socket is resumed. They are good during the call. */
  receive: (bytes: Buffer) => void = () => {}
  /** for net.connect; the socket must be paused until there is a receiver */
  readonly onread: OnReadOpts

  constructor() {
    shared ??= Buffer.allocUnsafeSlow(SHARED_BYTES)
    const buffer = shared
    this.onread = {
      buffer,
      callback: (byteCount) => {
        this.receive(buffer.subarray(0, byteCount))
        return true
      },
    }
  }
}
