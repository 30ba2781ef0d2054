import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { Address } from '../../src/transport/address.ts'
import { findPeer, Peer } from './peers.ts'

// Debian puts it where the PATH of a user may not look
const MOSQUITTO = '/usr/sbin/mosquitto'

/** Is the broker of mosquitto here? Told once when it is not. */
export const hasMosquitto: boolean = findPeer('mosquitto', MOSQUITTO, ['-h'])

/** A mosquitto with its defaults, without a log and without memory. */
export class Mosquitto {
  readonly address: Address
  readonly #peer: Peer
  readonly #folder: string

  private constructor(port: number, peer: Peer, folder: string) {
    this.address = { scheme: 'mqtt', host: '127.0.0.1', port, path: '' }
    this.#peer = peer
    this.#folder = folder
  }

  /** Starts one on a free port; resolves when it listens. @param settings lines of its configuration */
  static async start(settings = 'allow_anonymous true'): Promise<Mosquitto> {
    const port = await freePort()
    const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-'))
    const file = join(folder, 'mosquitto.conf')
    writeFileSync(file, `listener ${port} 127.0.0.1\nmax_queued_messages 0\nuser ${userInfo().username}\n${settings}\n`)
    const peer = new Peer(MOSQUITTO, ['-v', '-c', file])
    await peer.says('running')
    return new Mosquitto(port, peer, folder)
  }

  async stop(): Promise<void> {
    this.#peer.kill()
    await this.#peer.finished()
    rmSync(this.#folder, { recursive: true })
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
