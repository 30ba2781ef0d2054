import { getHeapStatistics } from 'node:v8'
import { packetTypeNames } from '../codec/packet-type.ts'
import { DropReason } from '../session/qos-sender.ts'
import type { DeliveryCounts, ServerSession } from '../session/server-session.ts'
import { limitLabel } from './limit-watch.ts'
import type { LimitName } from './limits.ts'
import { type Metrics, total } from './metrics.ts'

/** Present sizes of a broker, beside its counters. */
export interface BrokerGauges {
  readonly uptimeSeconds: number
  readonly clientsConnected: number
  readonly clientsTotal: number
  readonly clientsMaximum: number
  /** shared ones included */
  readonly subscriptions: number
  readonly sharedSubscriptions: number
  readonly retainedMessages: number
  readonly retainedBytes: number
  readonly version: string
}

/** How each reason of a loss is called: last level of its topic, label of its counter. */
export const dropNames: readonly (readonly [string, DropReason])[] = [
  ['queue-full', DropReason.QUEUE_FULL],
  ['expired', DropReason.EXPIRED],
  ['too-large', DropReason.PACKET_TOO_LARGE],
  ['offline', DropReason.OFFLINE],
  ['right-lost', DropReason.RIGHT_LOST],
  ['session-ended', DropReason.SESSION_ENDED],
  ['unreadable', DropReason.UNREADABLE],
]

/** What is looked at from outside: a Broker, without the rest of it. */
export interface Observed {
  readonly metrics: Metrics
  readonly gauges: BrokerGauges
  readonly deliveryCounts: DeliveryCounts
  /** how often each limit was reached */
  limitCounts(): [name: LimitName, count: number][]
}

/** Topic and value of one `$SYS` message. */
export type SysValue = readonly [topicName: string, value: string]

/** Topics whose value never changes: published once. */
export function staticSysValues(gauges: BrokerGauges): SysValue[] {
  return [['$SYS/broker/version', gauges.version]]
}

/**
 * The `$SYS` tree: mosquitto's names, and `$SYS/broker/metrics/...` with one counter per Control Packet type. Counters are
 * totals since the start of the broker.
 * @param load names below `load/`, and values
 */
export function sysValues(observed: Observed, load: readonly SysValue[]): SysValue[] {
  const { metrics, gauges, deliveryCounts: deliveries } = observed
  const received = total(metrics.packetsReceived)
  const sent = total(metrics.packetsSent)
  const publishReceived = total(metrics.messagesReceived)
  const publishSent = total(metrics.messagesSent)
  const dropped = total(metrics.messagesDropped)
  const values: [string, number | string][] = [
    ['uptime', `${Math.floor(gauges.uptimeSeconds)} seconds`],
    ['clients/connected', gauges.clientsConnected],
    ['clients/disconnected', gauges.clientsTotal - gauges.clientsConnected],
    ['clients/total', gauges.clientsTotal],
    ['clients/maximum', gauges.clientsMaximum],
    // older names of the two before
    ['clients/active', gauges.clientsConnected],
    ['clients/inactive', gauges.clientsTotal - gauges.clientsConnected],
    ['clients/expired', metrics.sessionsExpired],
    ['subscriptions/count', gauges.subscriptions],
    ['shared_subscriptions/count', gauges.sharedSubscriptions],
    ['retained messages/count', gauges.retainedMessages],
    ['messages/received', received],
    ['messages/sent', sent],
    ['messages/stored', gauges.retainedMessages],
    ['publish/messages/received', publishReceived],
    ['publish/messages/sent', publishSent],
    ['publish/messages/dropped', dropped],
    ['publish/bytes/received', metrics.publishBytesReceived],
    ['publish/bytes/sent', metrics.publishBytesSent],
    ['store/messages/count', gauges.retainedMessages],
    ['store/messages/bytes', gauges.retainedBytes],
    ['bytes/received', metrics.bytesReceived],
    ['bytes/sent', metrics.bytesSent],
    ['heap/current', heapBytes()],
    ['metrics/packets/received', received],
    ['metrics/packets/sent', sent],
    ['metrics/messages/received', publishReceived],
    ['metrics/messages/sent', publishSent],
    ['metrics/messages/dropped', dropped],
    ['metrics/messages/unmatched', metrics.messagesWithoutSubscriber],
    ['metrics/messages/refused', metrics.messagesRefused],
    ['metrics/messages/retained', gauges.retainedMessages],
    ['metrics/deliveries/in', deliveries.in],
    ['metrics/deliveries/out', deliveries.out],
    ['metrics/deliveries/queued', deliveries.queued],
    ['metrics/deliveries/dropped', deliveries.dropped],
    ['metrics/acknowledgements/unknown', metrics.acknowledgementsUnknown],
    ['metrics/bytes/received', metrics.bytesReceived],
    ['metrics/bytes/sent', metrics.bytesSent],
    ['metrics/connections/opened', metrics.connectionsOpened],
    ['metrics/connections/refused', metrics.connectionsRefused],
  ]
  for (const [name, perMinute] of load) values.push([`load/${name}`, perMinute])
  for (const [name, reason] of dropNames)
    values.push([`metrics/messages/dropped/${name}`, metrics.messagesDropped[reason]!])
  for (const [name, count] of observed.limitCounts()) values.push([`metrics/limits/${limitLabel(name)}`, count])
  for (const [qos, count] of metrics.messagesReceived.entries())
    values.push([`metrics/messages/qos${qos}/received`, count])
  for (const [qos, count] of metrics.messagesSent.entries()) values.push([`metrics/messages/qos${qos}/sent`, count])
  for (let packetType = 1; packetType < packetTypeNames.length; packetType++) {
    const name = packetTypeNames[packetType]!.toLowerCase()
    values.push([`metrics/packets/${name}/received`, metrics.packetsReceived[packetType]!])
    values.push([`metrics/packets/${name}/sent`, metrics.packetsSent[packetType]!])
  }
  return values.map(([name, value]) => [`$SYS/broker/${name}`, String(value)])
}

function heapBytes(): number {
  return getHeapStatistics().used_heap_size
}

/** The losses of a session, as they are told when its client goes (semantics L-02); empty when there are none. */
export function lossesOf(session: ServerSession): string {
  const losses = dropNames.flatMap(([name, reason]) => {
    const count = session.droppedMessages(reason)
    return count === 0 ? [] : [`${count} ${name}`]
  })
  return losses.length === 0 ? '' : `; dropped for this session: ${losses.join(', ')}`
}
