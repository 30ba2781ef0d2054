import type { Client, ClientHandler, ClientOptions } from '../../client/client.ts'
import type { ClientError } from '../../client/client-error.ts'
import type { AnyPacket } from '../../codec/control-packet.ts'
import { ProtocolVersion } from '../../codec/protocol-version.ts'
import { ReasonCode } from '../../codec/reason-code.ts'
import { formatAddress } from '../../transport/address.ts'
import type { Context } from '../context.ts'
import { packetLine, timeOfDay } from '../output/packet-line.ts'
import { explain } from './explain.ts'

/** What a client command says about its connection on stderr: one line per change, and every packet with `-d`. */
export class ConnectionReport {
  /** goes into the handler of the client */
  readonly handler: ClientHandler
  /** the version in use, as far as is known */
  version: ProtocolVersion

  constructor(context: Context, options: ClientOptions, debug: boolean) {
    const { talk } = context
    const where = formatAddress(options.address)
    const lost = (error: ClientError, retryInMs: number | null): void => {
      if (retryInMs === null) return
      talk.say(`${explain(error, where).message}; next try in ${(retryInMs / 1000).toFixed(1)} s`)
    }
    this.version = options.version ?? ProtocolVersion.V5
    this.handler = {
      connected: (_, attempt) => {
        if (attempt > 1) talk.say(`connected again to ${where}`)
      },
      connectionLost: lost,
      reconnectFailed: lost,
      versionFallback: () => {
        this.version = ProtocolVersion.V3_1_1
        talk.say(`${where} does not speak MQTT 5.0; going on with 3.1.1 (-V 3.1.1 spares the first try)`)
      },
      ...(debug && { trace: (direction, packet, bytes) => talk.line(this.#describe(direction, packet, bytes)) }),
    }
  }

  #describe(direction: 'sent' | 'received', packet: AnyPacket, bytes: number): string {
    return packetLine(timeOfDay(new Date()), direction === 'sent' ? '->' : '<-', packet, this.version, bytes)
  }
}

/** How long the end may take when it was not the work's own: by a signal, a timeout, an error. */
const FAREWELL_MS = 2000

/**
 * Ends the connection: in order, or by force when that takes too long.
 * @param willOnExit true: the broker publishes the will
 */
export async function farewell(client: Client, version: ProtocolVersion, willOnExit: boolean): Promise<void> {
  const timer = setTimeout(() => client.destroy(), FAREWELL_MS)
  await sayGoodbye(client, version, willOnExit)
  clearTimeout(timer)
}

/** Sends what is still queued and DISCONNECT, however long that takes. */
export async function sayGoodbye(client: Client, version: ProtocolVersion, willOnExit: boolean): Promise<void> {
  // before 5.0 the will is published only when there is no DISCONNECT
  if (willOnExit && version !== ProtocolVersion.V5) return client.destroy()
  await client.disconnect(willOnExit ? ReasonCode.DISCONNECT_WITH_WILL_MESSAGE : ReasonCode.NORMAL_DISCONNECTION)
}
