import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { packetTypeNames, Role } from '../../src/codec/packet-type.ts'
import type { InspectedPacket } from '../../src/inspect/inspected-packet.ts'
import type { Faults } from '../../src/proxy/faults.ts'
import { defaultProxyLimits, type ProxyLimits } from '../../src/proxy/limits.ts'
import { PacketTap, ShownBytes } from '../../src/proxy/packet-tap.ts'
import { MqttProxy, type ProxyOptions } from '../../src/proxy/proxy.ts'
import type { RelayEnd } from '../../src/proxy/relay.ts'
import type { Injected } from '../../src/proxy/tap.ts'
import { parseAddress } from '../../src/transport/address.ts'

export const NO_FAULTS: Faults = { drop: [], duplicate: [], delay: [], pause: null, cut: [], seed: 0 }

/** What differs from a proxy on a free TCP port that does nothing wrong. */
export interface TestProxyOptions extends Partial<Pick<ProxyOptions, 'serverTls' | 'clientTls'>> {
  readonly faults?: Partial<Faults>
  readonly limits?: Partial<ProxyLimits>
  readonly listen?: string
}

/** A proxy, and all that it has told. */
export interface TestProxy {
  readonly proxy: MqttProxy
  readonly url: string
  /** `opened 0`, `unreachable 1 ECONNREFUSED`, ... in order */
  readonly events: readonly string[]
  readonly ends: readonly RelayEnd[]
  /** `> CONNECT` from a client, `< PUBACK dropped` from the broker */
  readonly packets: readonly string[]
  readonly inspected: readonly InspectedPacket[]
  /** Resolves when the condition holds, looked at after each event and packet. */
  until(condition: () => boolean): Promise<void>
}

/** Starts a proxy for one test. @param to URL of the broker */
export async function startProxy(to: string, options: TestProxyOptions = {}): Promise<TestProxy> {
  const { faults, limits, listen = 'mqtt://127.0.0.1:0', serverTls = null, clientTls = {} } = options
  const events: string[] = []
  const ends: RelayEnd[] = []
  const packets: string[] = []
  const inspected: InspectedPacket[] = []
  const waiting: (() => void)[] = []
  const happened = (list: string[], what: string): void => {
    list.push(what)
    for (const wake of waiting.splice(0)) wake()
  }
  const allLimits = { ...defaultProxyLimits, ...limits }
  const shownBytes = new ShownBytes(allLimits.shownBytes)
  let frames = 0
  const next = (): number => ++frames
  const proxy = await MqttProxy.open({
    listen: [parseAddress(listen).address],
    to: parseAddress(to).address,
    serverTls,
    clientTls,
    faults: { ...NO_FAULTS, ...faults },
    limits: allLimits,
    observer: {
      opened: (stream, { remoteAddress: client }) => {
        happened(events, `opened ${stream}`)
        const record = { bytes: next, ended: next, closed: next }
        return new PacketTap(
          { stream, client, server: to, version: null, record, shownBytes, nowMs: () => Date.now() },
          {
            packet: (packet, _, injected) => {
              inspected.push(packet)
              happened(packets, packetText(packet, injected))
            },
            foreign: (at, what) => happened(events, `foreign ${at} ${what}`),
          },
        )
      },
      closed: (stream, end) => {
        ends.push(end)
        happened(events, `closed ${stream}`)
      },
      unreachable: (stream, _, { code }) => happened(events, `unreachable ${stream} ${code}`),
      refused: (_, reason) => happened(events, `refused ${reason}`),
      trouble: ({ code }) => happened(events, `trouble ${code}`),
    },
  })
  onTestFinished(() => proxy.close())
  return {
    proxy,
    url: proxy.urls[0]!,
    events,
    ends,
    packets,
    inspected,
    async until(condition) {
      while (!condition()) await new Promise<void>((resolve) => waiting.push(resolve))
    },
  }
}

function packetText({ sender, packetType }: InspectedPacket, { isDropped, isCopy }: Injected): string {
  const done = `${isDropped ? ' dropped' : ''}${isCopy ? ' copy' : ''}`
  return `${sender === Role.CLIENT ? '>' : '<'} ${packetTypeNames[packetType]}${done}`
}

/** One end of a TCP connection that keeps what it gets, and lets a test wait for it. */
export class RawEnd {
  readonly socket: Socket
  #chunks: Buffer[] = []
  bytes = 0
  isEnded = false
  error: string | null = null
  #wake: (() => void)[] = []

  /** @param reads false: nothing is read until the test says so */
  constructor(socket: Socket, reads = true) {
    this.socket = socket
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error.code ?? 'UNKNOWN'
    })
    socket.on('close', () => this.#heard())
    socket.on('end', () => {
      this.isEnded = true
      this.#heard()
    })
    if (reads) this.read()
    else socket.pause()
  }

  read(): void {
    this.socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk)
      this.bytes += chunk.length
      this.#heard()
    })
    this.socket.resume()
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  async until(condition: (end: this) => boolean): Promise<void> {
    while (!condition(this)) await new Promise<void>((resolve) => this.#wake.push(resolve))
  }

  get isClosed(): boolean {
    return this.socket.closed
  }

  #heard(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}

/** A server that is no broker: the test is the broker. */
export interface RawServer {
  readonly url: string
  /** the next client that connects */
  next(): Promise<RawEnd>
}

/** @param reads see {@link RawEnd} */
export async function startRawServer(reads = true): Promise<RawServer> {
  const ends: RawEnd[] = []
  const waiting: ((end: RawEnd) => void)[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const end = new RawEnd(socket, reads)
    const taker = waiting.shift()
    if (taker === undefined) ends.push(end)
    else taker(end)
    onClose.push(() => socket.destroy())
  })
  const onClose: (() => void)[] = []
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const close of onClose) close()
    server.close()
  })
  const address = server.address() as { port: number }
  return {
    url: `mqtt://127.0.0.1:${address.port}`,
    next: async () => ends.shift() ?? (await new Promise<RawEnd>((resolve) => waiting.push(resolve))),
  }
}

/** Connects without saying anything. */
export async function openRaw(url: string, reads = true): Promise<RawEnd> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
  onTestFinished(() => {
    socket.destroy()
  })
  await once(socket, 'connect')
  return new RawEnd(socket, reads)
}
