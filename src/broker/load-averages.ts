import { PacketType } from '../codec/packet-type.ts'
import { type Metrics, total } from './metrics.ts'

const WINDOWS_MINUTES = [1, 5, 15]

/** Counters whose pace is told, by the name that mosquitto gives it. */
const counters: readonly (readonly [name: string, read: (metrics: Metrics) => number])[] = [
  ['messages/received', (metrics) => total(metrics.packetsReceived)],
  ['messages/sent', (metrics) => total(metrics.packetsSent)],
  ['publish/received', (metrics) => total(metrics.messagesReceived)],
  ['publish/sent', (metrics) => total(metrics.messagesSent)],
  ['publish/dropped', (metrics) => total(metrics.messagesDropped)],
  ['bytes/received', (metrics) => metrics.bytesReceived],
  ['bytes/sent', (metrics) => metrics.bytesSent],
  ['sockets', (metrics) => metrics.connectionsOpened],
  ['connections', (metrics) => metrics.packetsReceived[PacketType.CONNECT]!],
]

class Pace {
  #count = 0
  readonly #perMinute = WINDOWS_MINUTES.map(() => 0)

  /** @returns the averages, in the order of the windows */
  update(count: number, minutes: number): readonly number[] {
    if (minutes <= 0) return this.#perMinute
    const now = (count - this.#count) / minutes
    this.#count = count
    for (const [index, window] of WINDOWS_MINUTES.entries()) {
      const before = this.#perMinute[index]!
      this.#perMinute[index] = now + Math.exp(-minutes / window) * (before - now)
    }
    return this.#perMinute
  }
}

/** How much goes on per minute, as moving averages that forget by and by over 1, 5 and 15 minutes. */
export class LoadAverages {
  readonly #paces = counters.map(() => new Pace())
  #atMs: number

  constructor(nowMs: number) {
    this.#atMs = nowMs
  }

  /** @returns `messages/received/1min` and so on with their values; as they were when no time has passed */
  update(metrics: Metrics, nowMs: number): [name: string, perMinute: string][] {
    const minutes = (nowMs - this.#atMs) / 60_000
    this.#atMs = nowMs
    return counters.flatMap(([name, read], index) => {
      const averages = this.#paces[index]!.update(read(metrics), minutes)
      return averages.map((perMinute, i): [string, string] => [
        `${name}/${WINDOWS_MINUTES[i]}min`,
        perMinute.toFixed(2),
      ])
    })
  }
}
