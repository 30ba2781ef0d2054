import { protocolVersionName } from '../codec/protocol-version.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import type { Subscription } from '../session/session-state.ts'
import type { ClientRecord } from './client-record.ts'
import type { ClientRecords } from './client-records.ts'
import type { Clock } from './clock.ts'
import type { BrokerEvent } from './configuration.ts'
import { ControlError, ControlRequest } from './control-request.ts'
import type { ControlSearches } from './control-searches.ts'
import { type Metrics, total } from './metrics.ts'
import type { BrokerGauges } from './sys-topics.ts'

/** What the operations look at. */
export interface ControlTarget {
  readonly searches: ControlSearches
  readonly records: ClientRecords
  readonly clock: Clock
  readonly log: (event: BrokerEvent) => void
  readonly observed: {
    readonly metrics: Metrics
    readonly gauges: BrokerGauges
    readonly listeners: readonly string[]
  }
}

/** Answers one request, at once or later, with what becomes a JSON object. @param asker Client Identifier @throws ControlError */
type Operation = (target: ControlTarget, payload: Buffer, asker: string) => object | Promise<object>

/** The operations by the last level of their topic. */
export const controlOperations: ReadonlyMap<string, Operation> = new Map(
  Object.entries({ overview, clients, subscriptions, disconnect }),
)

/** Sizes now, and counters since the start. */
function overview({ observed }: ControlTarget, payload: Buffer): object {
  new ControlRequest(payload, [])
  const { metrics, gauges, listeners } = observed
  return {
    ...gauges,
    listeners,
    messagesReceived: total(metrics.messagesReceived),
    messagesSent: total(metrics.messagesSent),
    messagesDropped: total(metrics.messagesDropped),
    bytesReceived: metrics.bytesReceived,
    bytesSent: metrics.bytesSent,
    connectionsOpened: metrics.connectionsOpened,
    connectionsRefused: metrics.connectionsRefused,
  }
}

/** Sessions, connected or not, the oldest first. */
function clients({ records, clock, searches }: ControlTarget, payload: Buffer): object {
  const request = new ControlRequest(payload, ['match', 'connected', 'clientId', 'offset', 'limit'])
  const { match, connected, givenClientId } = request
  if (givenClientId !== undefined) {
    const record = records.get(givenClientId)
    const entries = record === undefined ? [] : [record]
    return searches.take({ entries, total: records.size, request, isWanted: () => true, describe: describer(clock) })
  }
  const isAny = match === '' && connected === undefined
  const isWanted = ({ session, connection }: ClientRecord): boolean =>
    (connected === undefined || (connection !== null) === connected) &&
    (session.clientId.includes(match) ||
      (session.state.owner?.includes(match) ?? false) ||
      (connection?.transport.remoteAddress.includes(match) ?? false))
  return searches.take({
    entries: records.all(),
    total: records.size,
    request,
    isWanted: isAny ? null : isWanted,
    describe: describer(clock),
  })
}

function describer(clock: Clock): (record: ClientRecord) => object {
  const nowMs = clock.nowMs()
  return ({ session, connection, will, expiresAtMs }) => {
    const { state } = session
    return {
      clientId: session.clientId,
      userName: state.owner,
      connected: connection !== null,
      ...(connection === null
        ? {
            expiresInSeconds: Number.isFinite(expiresAtMs)
              ? Math.max(0, Math.ceil((expiresAtMs - nowMs) / 1000))
              : null,
          }
        : {
            remoteAddress: connection.transport.remoteAddress,
            version: connection.version === null ? null : protocolVersionName(connection.version),
            keepAliveSeconds: connection.keepAliveSeconds,
            connectedSeconds: Math.floor((nowMs - connection.openedAtMs) / 1000),
          }),
      sessionExpiryIntervalSeconds: state.sessionExpiryIntervalSeconds,
      will: will?.message.topicName ?? null,
      subscriptions: state.subscriptions.size,
      inFlight: state.inFlight.size,
      messages: session.deliveryCounts,
    }
  }
}

/** Subscriptions of all sessions, or of one. */
function subscriptions({ records, observed, searches }: ControlTarget, payload: Buffer): object {
  const request = new ControlRequest(payload, ['match', 'clientId', 'offset', 'limit'])
  const { match, givenClientId } = request
  const terms = { request, isWanted: isMatching(match), describe: describeSubscription }
  if (givenClientId !== undefined) {
    const record = records.get(givenClientId)
    const entries = record === undefined ? [] : subscriptionsOf([record])
    return searches.take({ ...terms, entries, total: record?.session.state.subscriptions.size ?? 0 })
  }
  return searches.take({ ...terms, entries: subscriptionsOf(records.all()), total: observed.gauges.subscriptions })
}

interface Held {
  readonly clientId: string
  readonly connected: boolean
  readonly subscription: Subscription
}

function* subscriptionsOf(records: Iterable<ClientRecord>): IterableIterator<Held> {
  for (const { session, connection } of records) {
    const { clientId, state } = session
    for (const subscription of state.subscriptions.values()) {
      yield { clientId, connected: connection !== null, subscription }
    }
  }
}

function isMatching(match: string): ((held: Held) => boolean) | null {
  if (match === '') return null
  return ({ clientId, subscription }) => subscription.topicFilter.includes(match) || clientId.includes(match)
}

function describeSubscription({ clientId, connected, subscription }: Held): object {
  return { clientId, connected, ...subscription }
}

/** Ends a connection, and the session too when asked to. Its will is published [MQTT-3.1.2-8 v5]. */
function disconnect({ records, clock, log }: ControlTarget, payload: Buffer, asker: string): object {
  const request = new ControlRequest(payload, ['clientId', 'reason', 'endSession'])
  const { clientId, endSession, reason } = request
  const record = records.get(clientId)
  if (record === undefined) throw new ControlError(`there is no session ${JSON.stringify(clientId)}`)
  const { connection, session } = record
  if (connection === null && !endSession) {
    throw new ControlError(`${JSON.stringify(clientId)} is not connected; endSession: true ends its session`)
  }
  const whose = JSON.stringify(clientId)
  log({ event: 'control', clientId: asker, detail: endSession ? `ends the session ${whose}` : `disconnects ${whose}` })
  if (endSession) session.state.sessionExpiryIntervalSeconds = 0
  if (connection === null) records.end(record, clock.nowMs())
  else {
    const end = { discardsWill: false, reason: `disconnected by ${JSON.stringify(asker)}` }
    connection.disconnect(ReasonCode.ADMINISTRATIVE_ACTION, end, reason)
  }
  return { disconnected: connection !== null, sessionEnded: records.get(clientId) !== record }
}
