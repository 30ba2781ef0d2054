import { NEVER_EXPIRES_SECONDS } from '../session/session-state.ts'

/** One bound of the broker: what it is called, its unit, its default, the largest and smallest value it takes. */
export interface LimitRow {
  readonly unit:
    | 'messages'
    | 'bytes'
    | 'seconds'
    | 'connections'
    | 'subscriptions'
    | 'levels'
    | 'aliases'
    | 'QoS'
    | 'sessions'
    | 'filters'
    | 'addresses'
    | 'messages per second'
    | 'bytes per second'
    | 'connections per second'
    | 'requests per second'
  readonly default: number
  readonly minimum: number
  readonly maximum: number
  /** one line for `--help`, in lower case */
  readonly help: string
}

function limit(unit: LimitRow['unit'], value: number, minimum: number, maximum: number, help: string): LimitRow {
  return { unit, default: value, minimum, maximum, help }
}

const MIB = 1_048_576
const LARGEST = Number.MAX_SAFE_INTEGER

/** Every bound of the broker. What happens at each is told in its line; reason codes stand where it is enforced. */
export const limitRows = {
  maximumConnections: limit(
    'connections',
    100_000,
    1,
    LARGEST,
    'network connections at once; one more is refused with 0x89',
  ),
  maximumConnectionRate: limit(
    'connections per second',
    0,
    0,
    LARGEST,
    'connections per second from one address, 0 for any; one that is early waits up to 1 s, then is refused with 0x9F',
  ),
  maximumRatedAddresses: limit(
    'addresses',
    10_000,
    1,
    LARGEST,
    'addresses whose connections are counted for their rate; the oldest are forgotten',
  ),
  maximumMessageRate: limit(
    'messages per second',
    0,
    0,
    LARGEST,
    'messages per second from one client, 0 for any; a faster one is read more slowly',
  ),
  maximumByteRate: limit(
    'bytes per second',
    0,
    0,
    LARGEST,
    'bytes per second from one client, 0 for any; a faster one is read more slowly',
  ),
  maximumSessions: limit(
    'sessions',
    1_000_000,
    1,
    LARGEST,
    'sessions, with and without a connection; a client that would make one more is refused with 0x97',
  ),
  maximumPacketBytes: limit(
    'bytes',
    16 * MIB,
    128,
    268_435_460,
    'size of a packet from a client; larger ends it with 0x95',
  ),
  connectTimeoutSeconds: limit('seconds', 10, 1, 3600, 'time from accept to the end of CONNECT; then closed'),
  closeTimeoutSeconds: limit('seconds', 2, 1, 60, 'time a client has to close after we did; then cut off'),
  stuckTimeoutSeconds: limit(
    'seconds',
    60,
    1,
    65_535,
    'time a client that is behind may neither read 64 KiB nor acknowledge; then closed with 0x97',
  ),
  maximumInFlightMessages: limit(
    'messages',
    1024,
    1,
    65_535,
    'unacknowledged QoS 1 and 2 messages to a client; more wait',
  ),
  receiveMaximum: limit('messages', 1024, 1, 65_535, 'unreleased QoS 2 messages from a 5.0 client; more is 0x93'),
  maximumQueuedMessages: limit(
    'messages',
    100_000,
    0,
    LARGEST,
    'QoS 1 and 2 messages waiting for one session; the newest is refused',
  ),
  maximumQueuedBytes: limit(
    'bytes',
    128 * MIB,
    0,
    LARGEST,
    'weight of messages waiting for one session; the newest is refused',
  ),
  maximumQos0QueuedBytes: limit(
    'bytes',
    4 * MIB,
    0,
    LARGEST,
    'QoS 0 messages waiting for a client that does not read; the oldest are dropped',
  ),
  maximumOutputBytes: limit(
    'bytes',
    1 * MIB,
    131_072,
    LARGEST,
    'bytes on their way to one client before messages wait',
  ),
  maximumSubscriptions: limit(
    'subscriptions',
    100_000,
    1,
    LARGEST,
    'subscriptions of one session; one more is refused with 0x97',
  ),
  maximumFiltersPerPacket: limit(
    'filters',
    10_000,
    1,
    LARGEST,
    'filters in one SUBSCRIBE; those that follow are refused with 0x97',
  ),
  maximumTopicBytes: limit('bytes', 65_535, 1, 65_535, 'length of a topic name (0x90) or filter (0x97)'),
  maximumTopicLevels: limit('levels', 200, 1, 4096, 'levels of a topic name (0x90) or filter (0x97)'),
  maximumClientIdBytes: limit(
    'bytes',
    65_535,
    23,
    65_535,
    'length of a client identifier; longer is refused with 0x85',
  ),
  maximumRetainedMessages: limit(
    'messages',
    1_000_000,
    0,
    LARGEST,
    'retained messages; one more is answered with 0x97',
  ),
  maximumRetainedBytes: limit(
    'bytes',
    1024 * MIB,
    0,
    LARGEST,
    'weight of all retained messages; more is answered with 0x97',
  ),
  maximumTopicAliases: limit('aliases', 32, 0, 65_535, 'topic aliases per connection, each way; above is 0x94'),
  maximumKeepAliveSeconds: limit(
    'seconds',
    65_535,
    1,
    65_535,
    'longest keep alive of a 5.0 client, told by Server Keep Alive; 65535 allows none too',
  ),
  maximumSessionExpirySeconds: limit(
    'seconds',
    NEVER_EXPIRES_SECONDS,
    0,
    NEVER_EXPIRES_SECONDS,
    'longest life of a session without connection; 4294967295 is for ever',
  ),
  maximumQos: limit('QoS', 2, 0, 2, 'highest QoS that clients may publish with; above is 0x9B'),
  maximumControlRate: limit(
    'requests per second',
    50,
    1,
    10_000,
    'requests to $CONTROL/broker/ from all clients; more are answered with 0x97',
  ),
  maximumCachedRoutes: limit('messages', 10_000, 0, LARGEST, 'topic names whose receivers are remembered'),
} as const satisfies Record<string, LimitRow>

/** Name of a bound, with its unit. */
export type LimitName = keyof typeof limitRows

/** A value for every bound. */
export type Limits = { readonly [name in LimitName]: number }

/**
 * Fills in the defaults.
 * @throws RangeError naming the bound when a value is out of its range
 */
export function completeLimits(given: Partial<Limits> = {}): Limits {
  const result = {} as Record<LimitName, number>
  for (const [name, row] of Object.entries(limitRows) as [LimitName, LimitRow][]) {
    const value = given[name] ?? row.default
    if (!Number.isInteger(value) || value < row.minimum || value > row.maximum) {
      throw new RangeError(`${name} is ${value}; it takes whole ${row.unit} from ${row.minimum} to ${row.maximum}`)
    }
    result[name] = value
  }
  return result
}
