import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, it } from 'vitest'
import { readFrames } from './capture-file.ts'
import { type Chunk, joinChunks, type TcpStream, tcpStreams } from './tcp-streams.ts'
import { isHttpUpgrade, websocketPayload } from './websocket-bytes.ts'

/**
 * The captures of real MQTT traffic, each with the reference decoding that stands next to it. They are not part of
 * the repository: the folder that holds `captures/` is named by MQTT_KIT_SHARED, or is `../shared` beside the
 * repository.
 */

/** Who sent it: c2s the client, s2c the server. */
export type Sender = 'c2s' | 's2c'

/** The MQTT bytes one side of a connection sent, free of TCP and WebSocket. */
export interface CapturedBytes {
  readonly stream: number
  readonly sender: Sender
  readonly bytes: Buffer
  /** Number of the captured frame that completed the byte at this offset. */
  readonly frameAt: (offset: number) => number
}

/** A tree of the reference: TShark's keys; values are text, several values of one key an array. */
export interface ReferenceFields {
  readonly [key: string]: string | readonly string[] | ReferenceFields
}

/** One MQTT packet of the reference. */
export interface ReferencePacket {
  /** number of the frame in which the packet was completed */
  readonly frame: number
  /** since the first frame of the capture */
  readonly timeSeconds: number
  readonly stream: number
  readonly sender: Sender
  readonly fields: ReferenceFields
}

/** One capture file and what is known about it. */
export interface Capture {
  /** file name without extension: `s01-v311-qos` */
  readonly name: string
  /** per connection the client's bytes, then the server's */
  readonly sides: readonly CapturedBytes[]
  /** in the order of the capture */
  readonly reference: readonly ReferencePacket[]
  /** the total the reference states */
  readonly mqttPackets: number
  /** time of a frame since the first frame */
  readonly secondsAt: (frame: number) => number
}

/** Registers tests over all captures; without the captures one skipped test tells the reason. */
export function describeCaptures(title: string, tests: (captures: readonly Capture[]) => void): void {
  const folder = capturesFolder()
  if (existsSync(folder)) {
    describe(title, () => tests(loadCaptures(folder)))
    return
  }
  const reason = `no captures at ${folder}; set MQTT_KIT_SHARED to the folder that holds captures/`
  process.stderr.write(`skipped: ${title}: ${reason}\n`)
  describe(title, () => it('needs the captures', (context) => context.skip(reason)))
}

function capturesFolder(): string {
  const repository = fileURLToPath(new URL('../..', import.meta.url))
  return join(process.env['MQTT_KIT_SHARED'] ?? resolve(repository, '../shared'), 'captures')
}

function loadCaptures(folder: string): Capture[] {
  const files = readdirSync(folder).filter((file) => /\.pcap(ng)?$/.test(file))
  return files.sort().map((file) => loadCapture(folder, file))
}

interface ReferenceFile {
  readonly mqttPackets: number
  readonly packets: readonly {
    readonly frame: number
    readonly time: number
    readonly stream: number
    readonly dir: Sender
    readonly mqtt: readonly ReferenceFields[]
  }[]
}

function loadCapture(folder: string, file: string): Capture {
  const name = file.replace(/\.pcap(ng)?$/, '')
  const frames = readFrames(readFileSync(join(folder, file)))
  const answers: ReferenceFile = JSON.parse(readFileSync(join(folder, `${name}.tshark.json`), 'utf8'))
  return {
    name,
    sides: tcpStreams(frames).flatMap(sidesOf),
    reference: answers.packets.flatMap(({ frame, time, stream, dir, mqtt }) =>
      mqtt.map((fields) => ({ frame, timeSeconds: time, stream, sender: dir, fields })),
    ),
    mqttPackets: answers.mqttPackets,
    secondsAt(frame) {
      return Number(frames[frame - 1]!.timeNanoseconds - frames[0]!.timeNanoseconds) / 1e9
    },
  }
}

function sidesOf({ clientToServer, serverToClient }: TcpStream, stream: number): CapturedBytes[] {
  const payload = isHttpUpgrade(clientToServer) ? websocketPayload : (chunks: readonly Chunk[]) => chunks
  return [
    { stream, sender: 'c2s', ...joinChunks(payload(clientToServer)) },
    { stream, sender: 's2c', ...joinChunks(payload(serverToClient)) },
  ]
}
