import { type Connection, type ModelLimits, NEVER, type Session } from './model-state.ts'
import type { ConnectPacket, Properties } from './wire.ts'

/** Session Expiry Interval without end. */
export const NEVER_EXPIRES_SECONDS = 0xffff_ffff

/** Clients before 5.0 cannot ask for a Will Delay (W-10). */
const RESTART_GRACE_SECONDS = 10

/** Stands for a text of the broker's choice. */
export const SOME_TEXT = '\u0000some text'

/** The connection is accepted: what counts on it from now on. */
export function agree(connection: Connection, session: Session, packet: ConnectPacket, limits: ModelLimits): void {
  const { properties, will } = packet
  connection.phase = 'connected'
  connection.session = session
  connection.clientId = session.clientId
  connection.isBridge = packet.bridge
  connection.keepAliveSeconds = keepAliveSeconds(packet, limits)
  connection.requestedExpirySeconds = properties.sessionExpiry ?? 0
  connection.receiveMaximum = Math.min(properties.receiveMaximum ?? 65_535, limits.maximumInFlightMessages)
  connection.maximumPacketBytes = properties.maximumPacketBytes ?? NEVER
  connection.topicAliasMaximum = properties.topicAliasMaximum ?? 0
  session.connection = connection
  session.expirySeconds = expirySeconds(packet, limits)
  const delaySeconds = will?.properties.willDelay ?? 0
  const restartDelaySeconds =
    packet.version === 5 ? Math.min(delaySeconds, session.expirySeconds) : RESTART_GRACE_SECONDS
  session.will = will === null ? null : { ...will, delaySeconds, restartDelaySeconds }
}

/** Properties of CONNACK: every limit that differs from the default of the standard, and none that does not (C-12). */
export function connackProperties(packet: ConnectPacket, limits: ModelLimits): Properties {
  const { properties, keepAlive } = packet
  const expiry = expirySeconds(packet, limits)
  const agreedKeepAlive = keepAliveSeconds(packet, limits)
  return {
    receiveMaximum: limits.receiveMaximum,
    maximumPacketBytes: limits.maximumPacketBytes,
    topicAliasMaximum: limits.maximumTopicAliases,
    ...(expiry === (properties.sessionExpiry ?? 0) ? {} : { sessionExpiry: expiry }),
    ...(agreedKeepAlive === keepAlive ? {} : { serverKeepAlive: agreedKeepAlive }),
    ...(properties.requestResponseInformation === 1 ? { responseInformation: SOME_TEXT } : {}),
    ...(packet.clientId === '' ? { assignedClientId: SOME_TEXT } : {}),
  }
}

/** Session Expiry Interval as it counts. */
export function expirySeconds({ version, cleanStart, properties }: ConnectPacket, limits: ModelLimits): number {
  const asked = version === 5 ? (properties.sessionExpiry ?? 0) : cleanStart ? 0 : NEVER_EXPIRES_SECONDS
  return Math.min(asked, limits.maximumSessionExpirySeconds)
}

function keepAliveSeconds({ version, keepAlive }: ConnectPacket, { maximumKeepAliveSeconds }: ModelLimits): number {
  if (version !== 5 || maximumKeepAliveSeconds === 65_535) return keepAlive
  return keepAlive === 0 || keepAlive > maximumKeepAliveSeconds ? maximumKeepAliveSeconds : keepAlive
}
