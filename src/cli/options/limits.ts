import { type LimitName, type LimitRow, limitRows } from '../../broker/limits.ts'
import { type OptionRow, one } from './option-row.ts'
import { integer } from './values.ts'

/** Keys of the options that set the broker's limits. A limit without an option does not compile. */
export const limitKeys = {
  maximumConnections: 'maxConnections',
  maximumConnectionRate: 'maxConnectionRate',
  maximumRatedAddresses: 'maxRatedAddresses',
  maximumMessageRate: 'maxMessageRate',
  maximumByteRate: 'maxByteRate',
  maximumSessions: 'maxSessions',
  maximumPacketBytes: 'maxPacketSize',
  connectTimeoutSeconds: 'maxConnectTime',
  closeTimeoutSeconds: 'maxCloseTime',
  stuckTimeoutSeconds: 'maxStuckTime',
  maximumInFlightMessages: 'maxInflight',
  receiveMaximum: 'receiveMaximum',
  maximumQueuedMessages: 'maxQueued',
  maximumQueuedBytes: 'maxQueuedBytes',
  maximumQos0QueuedBytes: 'maxQos0QueuedBytes',
  maximumOutputBytes: 'maxOutputBytes',
  maximumSubscriptions: 'maxSubscriptions',
  maximumFiltersPerPacket: 'maxFiltersPerPacket',
  maximumTopicBytes: 'maxTopicBytes',
  maximumTopicLevels: 'maxTopicLevels',
  maximumClientIdBytes: 'maxClientIdBytes',
  maximumRetainedMessages: 'maxRetained',
  maximumRetainedBytes: 'maxRetainedBytes',
  maximumTopicAliases: 'maxTopicAlias',
  maximumKeepAliveSeconds: 'maxKeepalive',
  maximumSessionExpirySeconds: 'maxSessionExpiry',
  maximumQos: 'maxQos',
  maximumControlRate: 'maxControlRate',
  maximumCachedRoutes: 'maxCachedRoutes',
} as const satisfies Record<LimitName, string>

type LimitRows = { readonly [Name in LimitName as (typeof limitKeys)[Name]]: OptionRow<number> }

/** One option per limit of the broker. */
export const limitOptions = Object.fromEntries(
  Object.entries(limitKeys).map(([name, key]) => [key, limitOption(limitRows[name as LimitName])]),
) as LimitRows

function limitOption(row: LimitRow): OptionRow<number> {
  const valueName = row.unit === 'bytes' || row.unit === 'seconds' ? row.unit.toUpperCase() : 'N'
  return one(integer(valueName, row.minimum, row.maximum), {
    group: 'Limits',
    default: String(row.default),
    unit: row.unit,
    help: row.help,
  })
}
