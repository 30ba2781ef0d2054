import { ClientError, ClientErrorKind } from '../../client/client-error.ts'
import { ReasonCode } from '../../codec/reason-code.ts'
import { TransportError } from '../../transport/transport-error.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure } from '../failure.ts'

/** Exit code of each way in which a client can fail. */
const exitCodes: Readonly<Record<ClientErrorKind, ExitCode>> = {
  [ClientErrorKind.CANNOT_CONNECT]: ExitCode.CANNOT_CONNECT,
  [ClientErrorKind.NO_CONNACK]: ExitCode.CANNOT_CONNECT,
  [ClientErrorKind.CONNECT_REFUSED]: ExitCode.CONNECT_REFUSED,
  [ClientErrorKind.CONNECTION_LOST]: ExitCode.CONNECTION_LOST,
  [ClientErrorKind.DISCONNECTED]: ExitCode.CONNECTION_LOST,
  [ClientErrorKind.TAKEN_OVER]: ExitCode.CONNECTION_LOST,
  [ClientErrorKind.PROTOCOL]: ExitCode.PROTOCOL,
  [ClientErrorKind.NOT_MQTT]: ExitCode.PROTOCOL,
  [ClientErrorKind.PUBLISH_REFUSED]: ExitCode.PUBLISH_REFUSED,
  [ClientErrorKind.CLOSED]: ExitCode.CONNECTION_LOST,
}

/** What to try when CONNECT is refused. */
const hints = new Map<number | null, string>([
  [ReasonCode.UNSUPPORTED_PROTOCOL_VERSION, 'try another version with -V'],
  [ReasonCode.CLIENT_IDENTIFIER_NOT_VALID, 'try another client identifier with -i'],
  [ReasonCode.BAD_USER_NAME_OR_PASSWORD, 'check user name and password (-u, -P)'],
  [ReasonCode.NOT_AUTHORIZED, 'the broker may want another user name and password (-u, -P)'],
])

/**
 * What a failed client means to the user: an exit code and one line that names the broker.
 * @param where the broker as `mqtt://host:port`
 * @param wasConnected true when there was a connection before, so that failing to connect means that it is lost for good
 * @throws what is no ClientError: a fault of our own
 */
export function explain(error: unknown, where: string, wasConnected = false): Failure {
  if (!(error instanceof ClientError)) throw error
  if (wasConnected && exitCodes[error.kind] === ExitCode.CANNOT_CONNECT) {
    return new Failure(ExitCode.CONNECTION_LOST, `the connection is lost for good: ${error.message}`, error)
  }
  // a failed dial names the address itself
  const message = error.message.includes(where) ? error.message : `${where}: ${error.message}`
  const hint = error.kind === ClientErrorKind.CONNECT_REFUSED ? hints.get(error.reasonCode) : undefined
  return new Failure(exitCodeOf(error), hint === undefined ? message : `${message}; ${hint}`, error)
}

/** The exit code for a failure that is known by its kind alone. */
export function exitCodeForKind(kind: ClientErrorKind, isTls: boolean): ExitCode {
  return isTls ? ExitCode.TLS : exitCodes[kind]
}

// A server that wants another certificate of ours says so after the handshake.
function exitCodeOf({ kind, cause }: ClientError): ExitCode {
  const isConnecting = kind === ClientErrorKind.CANNOT_CONNECT || kind === ClientErrorKind.NO_CONNACK
  return isConnecting && cause instanceof TransportError && cause.isTls ? ExitCode.TLS : exitCodes[kind]
}
