import { Client, type ClientHandler, type ClientOptions } from '../../client/client.ts'
import type { ClientError } from '../../client/client-error.ts'
import type { AnyPacket } from '../../codec/control-packet.ts'
import { NO_PROPERTIES, type Properties } from '../../codec/property.ts'
import { ProtocolVersion } from '../../codec/protocol-version.ts'
import { ReasonCode } from '../../codec/reason-code.ts'
import { ProtocolViolation } from '../../codec/violation.ts'
import { formatAddress } from '../../transport/address.ts'
import type { Context } from '../context.ts'
import { UsageError } from '../failure.ts'
import { packetLine, timeOfDay } from '../output/packet-line.ts'
import { explain } from './explain.ts'

/** What a client command says about its connection on stderr: one line per change, and every packet with `-d`. */
export class ConnectionReport {
  /** goes into the handler of the client */
  readonly handler: ClientHandler
  #version: ProtocolVersion

  constructor(context: Context, options: ClientOptions, debug: boolean) {
    const { talk } = context
    const where = formatAddress(options.address)
    const lost = (error: ClientError, retryInMs: number | null): void => {
      if (retryInMs === null) return
      talk.say(`${explain(error, where).message}; next try in ${(retryInMs / 1000).toFixed(1)} s`)
    }
    this.#version = options.version ?? ProtocolVersion.V5
    this.handler = {
      connected: (_, attempt) => {
        if (attempt > 0) talk.say(`connected again to ${where}`)
      },
      connectionLost: lost,
      reconnectFailed: lost,
      versionFallback: () => {
        this.#version = ProtocolVersion.V3_1_1
        talk.say(`${where} does not speak MQTT 5.0; going on with 3.1.1 (-V 3.1.1 spares the first try)`)
      },
      ...(debug && { trace: (direction, packet, bytes) => talk.line(this.#describe(direction, packet, bytes)) }),
    }
  }

  #describe(direction: 'sent' | 'received', packet: AnyPacket, bytes: number): string {
    return packetLine(timeOfDay(new Date()), direction === 'sent' ? '->' : '<-', packet, this.#version, bytes)
  }
}

/**
 * @param reauthenticateMs prove again who we are after each such time
 * @throws UsageError for what no client may say
 */
export function createClient(options: ClientOptions, handler: ClientHandler, reauthenticateMs?: number): Client {
  try {
    const client = new Client(options, handler)
    if (reauthenticateMs !== undefined) {
      // without a connection there is nothing to prove: the next one begins with it. A refusal ends the client itself.
      setInterval(() => client.reauthenticate().catch(() => {}), reauthenticateMs).unref()
    }
    return client
  } catch (error) {
    if (error instanceof RangeError || error instanceof ProtocolViolation) throw new UsageError(error.message)
    throw error
  }
}

/** How a client leaves. */
export interface Goodbye {
  /** true: the broker publishes the will */
  readonly willOnExit: boolean
  /** of DISCONNECT */
  readonly properties: Properties
}

/** How long the end may take when it was not the work's own: by a signal, a timeout, an error. */
const FAREWELL_MS = 2000

/** Ends the connection: in order, or by force when that takes too long. */
export async function farewell(client: Client, goodbye: Goodbye): Promise<void> {
  const timer = setTimeout(() => client.destroy(), FAREWELL_MS)
  await sayGoodbye(client, goodbye)
  clearTimeout(timer)
}

/** Sends what waits for the socket and DISCONNECT, as long as the broker takes it. */
export async function sayGoodbye(client: Client, { willOnExit, properties }: Goodbye): Promise<void> {
  // before 5.0 the will is published only when there is no DISCONNECT
  if (willOnExit && client.version !== ProtocolVersion.V5) return client.destroy()
  const reasonCode = willOnExit ? ReasonCode.DISCONNECT_WITH_WILL_MESSAGE : ReasonCode.NORMAL_DISCONNECTION
  await client.disconnect(reasonCode, client.version === ProtocolVersion.V5 ? properties : NO_PROPERTIES)
}
