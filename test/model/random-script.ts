import type { Random } from '../support/random.ts'
import { brokenPackets } from './broken-packets.ts'
import type { ModelLimits } from './model-state.ts'
import type { FilterOperation, Manner, Operation, Script, Sent, WillOperation } from './operations.ts'
import type { Properties, Version } from './wire.ts'

/** What a script is made of, beside chance. */
interface Taste {
  /**
   * Shared Subscriptions that clients make; empty for none. Where a message went must be told by what is received: so no
   * payload is empty, and one session gets no two copies that look the same (either no two of the groups have a topic in
   * common, or each has a Subscription Identifier).
   */
  readonly sharedFilters: readonly string[]
  readonly isToldByIdentifier: boolean
  /** clients stop reading, and messages are large */
  readonly isSlow: boolean
  /** queues are short; then it must be clear what is in them: no message expires or is too large, no client breaks off unseen */
  readonly isTight: boolean
  readonly versions: readonly Version[]
  readonly topics: readonly string[]
  readonly filters: readonly string[]
}

const SLOTS = 4
export const CLIENT_IDS = ['ann', 'bob', 'cid']
export const TOPICS = ['a', 'a/b', 'a/b', 'a/c', 'a/b/c', 'b', '/a', 'a/', '$x/a', 'é/b']
const ODD_TOPICS = ['$SYS/a', '$share/g/a', '1/2/3/4/5/6', '$SYS']
const FILTERS = [
  'a',
  'a/b',
  'a/b',
  'a/+',
  'a/#',
  'a/#',
  '#',
  '+',
  '+/b',
  '+/+',
  '$x/#',
  '/+',
  '+/#',
  'b',
  '1/2/3/4/5/#',
]
const OVERLAPPING_GROUPS = ['$share/g/a/b', '$share/g/a/#', '$share/h/a/#', '$share/g/#', '$share/h/+/b']
const SEPARATE_GROUPS = [
  ['$share/g/#'],
  ['$share/g/a/#', '$share/h/b'],
  ['$share/g/a/b', '$share/h/a/b/c'],
  ['$share/g/+/b', '$share/h/a/c'],
]
const FIRST_GROUP_IDENTIFIER = 10
const NEVER_EXPIRES = 0xffff_ffff
const LARGE_BYTES = 60_000
/** Where clients are slow everybody gets everything, so that it piles up. */
const SLOW_TOPICS = ['a/b', 'a/c', 'a/b/c']
const SLOW_FILTERS = ['a/#', 'a/#', '#', 'a/b', '+/+']

/** Everything a seed stands for. @param count operations, at most 450: each needs a millisecond of its own, see SideBySide */
export function scriptFor(random: Random, count: number): Script {
  const isTight = random.oneIn(6)
  const isSlow = !isTight && random.oneIn(5)
  const isShared = !isTight && random.oneIn(2)
  const isToldByIdentifier = isShared && random.oneIn(2)
  const taste: Taste = {
    sharedFilters: !isShared ? [] : isToldByIdentifier ? OVERLAPPING_GROUPS : random.pick(SEPARATE_GROUPS),
    isToldByIdentifier,
    isSlow,
    topics: isSlow ? SLOW_TOPICS : TOPICS,
    filters: isSlow ? SLOW_FILTERS : FILTERS,
    isTight,
    versions: isToldByIdentifier || random.oneIn(3) ? [5] : random.oneIn(3) ? [4, 5] : [3, 4, 5],
  }
  const operations: Operation[] = []
  while (operations.length < count) operations.push(operation(random, taste))
  return { limits: limitsFor(random, isTight), operations: [...operations, ...ending(random)] }
}

function limitsFor(random: Random, isTight: boolean): ModelLimits {
  return {
    receiveMaximum: random.pick([2, 3, 1024]),
    maximumInFlightMessages: random.pick([1, 3, 1024, 1024]),
    maximumQueuedMessages: isTight ? random.between(1, 4) : 100_000,
    maximumQos0QueuedBytes: random.pick([100_000, 4_194_304]),
    maximumOutputBytes: random.pick([131_072, 131_072, 1_048_576]),
    stuckTimeoutSeconds: 3600,
    maximumPacketBytes: 100_000,
    maximumTopicAliases: random.pick([2, 32]),
    maximumTopicLevels: 5,
    maximumSubscriptions: random.pick([3, 100_000]),
    maximumSessionExpirySeconds: random.pick([20, NEVER_EXPIRES]),
    maximumKeepAliveSeconds: random.pick([8, 65_535, 65_535]),
  }
}

// Every session is taken up once more, and all that waits is fetched.
function ending(random: Random): Operation[] {
  const slots = Array.from({ length: SLOTS }, (_, slot) => slot)
  const fetched = CLIENT_IDS.flatMap((clientId, slot): Operation[] => [
    { do: 'connect', slot, version: random.pick([4, 5, 5]), clientId, properties: { sessionExpiry: 1 } },
    { do: 'acknowledge all', slot },
  ])
  return [
    ...slots.map((slot): Operation => ({ do: 'read', slot })),
    ...fetched,
    ...slots.map((slot): Operation => ({ do: 'close', slot })),
    { do: 'wait', ms: 100_000 },
  ]
}

function operation(random: Random, taste: Taste): Operation {
  const slot = random.below(SLOTS)
  const draw = random.below(taste.isSlow ? 112 : 100)
  if (draw < 12) return connect(random, taste, slot)
  if (draw < 26) return subscribe(random, taste, slot)
  if (draw < 29)
    return { do: 'unsubscribe', slot, filters: several(random, () => anyFilter(random, taste)), ...sent(random, taste) }
  if (draw < 58) return publish(random, taste, slot)
  if (draw < 75) return acknowledge(random, taste, slot)
  if (draw < 78) return { do: 'acknowledge all', slot }
  if (draw < 83) return { do: 'release', slot, id: random.between(1, 4), ...sent(random, taste) }
  if (draw < 84)
    return {
      do: 'acknowledge nothing',
      slot,
      type: random.pick(['PUBACK', 'PUBREC', 'PUBCOMP']),
      ...sent(random, taste),
    }
  if (draw < 86) return { do: 'ping', slot, ...sent(random, taste) }
  if (draw < 88) return disconnect(random, taste, slot)
  if (draw < 90)
    return { do: 'break a rule', slot, rule: random.pick([...brokenPackets.keys()]), ...sent(random, taste) }
  if (draw < 93) return { do: random.oneIn(3) ? 'close' : 'reset', slot }
  if (draw < 94) return { do: 'open', slot, version: random.pick(taste.versions) }
  if (draw < 100) return { do: 'wait', ms: random.pick([500, 500, 1000, 1500, 2000, 3000, 5000, 10_000, 30_000]) }
  if (draw < 106) return { do: 'stop reading', slot }
  return random.oneIn(3)
    ? { do: 'read', slot }
    : { do: 'read', slot, bytes: random.pick([1, 100, 5_000, 70_000, 200_000]) }
}

function connect(random: Random, taste: Taste, slot: number): Operation {
  const version = random.pick(taste.versions)
  const properties: Properties = version === 5 ? connectProperties(random, taste) : {}
  return {
    do: 'connect',
    slot,
    version,
    clientId: random.oneIn(12) ? '' : random.pick(CLIENT_IDS),
    ...when(random.oneIn(4), { clean: true as const }),
    ...when(version !== 5 && random.oneIn(12), { bridge: true as const }),
    ...when(random.oneIn(3), { keepAlive: random.pick([1, 2, 5, 20, 600]) }),
    ...when(random.oneIn(10), { userName: random.pick(['eve', 'dan']) }),
    ...when(random.oneIn(2), { will: will(random, taste, version) }),
    ...when(Object.keys(properties).length > 0, { properties }),
    ...sent(random, taste),
  }
}

function connectProperties(random: Random, taste: Taste): Properties {
  return {
    ...when(!random.oneIn(3), { sessionExpiry: random.pick([0, 1, 3, 10, 60, NEVER_EXPIRES]) }),
    ...when(random.oneIn(2), { receiveMaximum: random.pick([1, 1, 2, 3, 20]) }),
    ...when(!taste.isTight && random.oneIn(6), { maximumPacketBytes: random.pick([100, 150, 1000]) }),
    ...when(random.oneIn(3), { topicAliasMaximum: random.pick([0, 1, 2, 10]) }),
    ...when(random.oneIn(8), { requestResponseInformation: random.below(2) }),
    ...when(random.oneIn(8), { requestProblemInformation: random.below(2) }),
    ...when(random.oneIn(40), { authenticationMethod: 'guess' }),
  }
}

function will(random: Random, taste: Taste, version: Version): WillOperation {
  const properties: Properties = version === 5 ? messageProperties(random, taste) : {}
  if (version === 5 && random.oneIn(2)) properties.willDelay = random.pick([0, 1, 2, 5, 30])
  return {
    topic: random.oneIn(20) ? '$SYS/will' : random.pick(taste.topics),
    ...when(!random.oneIn(3), { qos: random.pick([1, 2] as const) }),
    ...when(random.oneIn(3), { retain: true as const }),
    ...when(random.oneIn(8), { bytes: random.pick(taste.sharedFilters.length > 0 ? [200] : [0, 200]) }),
    ...when(Object.keys(properties).length > 0, { properties }),
  }
}

function messageProperties(random: Random, taste: Taste): Properties {
  return {
    ...when(random.oneIn(4), {
      messageExpiry: random.pick(taste.isTight ? [0, NEVER_EXPIRES] : [0, 1, 2, 3, 10, 60, NEVER_EXPIRES]),
    }),
    ...when(random.oneIn(8), { payloadFormat: random.below(2) }),
    ...when(random.oneIn(8), { contentType: random.pick(['', 'text/plain']) }),
    ...when(random.oneIn(8), { responseTopic: 'a/answer' }),
    ...when(random.oneIn(8), { correlationData: random.pick(['', '\u0000\u00ff']) }),
    ...when(random.oneIn(8), {
      userProperties: [
        ['a', '1'],
        ['b', '2'],
        ['a', '3'],
      ] as [string, string][],
    }),
  }
}

function subscribe(random: Random, taste: Taste, slot: number): Operation {
  if (taste.isToldByIdentifier && random.oneIn(2)) {
    const filter = random.pick(taste.sharedFilters)
    const identifier = FIRST_GROUP_IDENTIFIER + taste.sharedFilters.indexOf(filter)
    return { do: 'subscribe', slot, filters: [filterOptions(random, filter)], identifier, ...sent(random, taste) }
  }
  return {
    do: 'subscribe',
    slot,
    filters: several(random, () => filterOptions(random, filterToSubscribe(random, taste))),
    ...when(random.oneIn(3), { identifier: random.pick([1, 2, 3, 200, 268_435_455]) }),
    ...sent(random, taste),
  }
}

function filterOptions(random: Random, filter: string): FilterOperation {
  return {
    filter,
    ...when(!random.oneIn(4), { qos: random.pick([1, 2] as const) }),
    ...when(!filter.startsWith('$share') && random.oneIn(5), { noLocal: true as const }),
    ...when(random.oneIn(4), { retainAsPublished: true as const }),
    ...when(random.oneIn(3), { retainHandling: random.pick([1, 2] as const) }),
  }
}

function filterToSubscribe(random: Random, taste: Taste): string {
  return taste.isToldByIdentifier ? random.pick(taste.filters) : anyFilter(random, taste)
}

function anyFilter(random: Random, { sharedFilters, filters }: Taste): string {
  return sharedFilters.length > 0 && random.oneIn(2) ? random.pick(sharedFilters) : random.pick(filters)
}

function publish(random: Random, taste: Taste, slot: number): Operation {
  const qos = random.pick([0, 1, 1, 2, 2] as const)
  const properties = messageProperties(random, taste)
  const alias = random.oneIn(5) ? random.pick([1, 1, 2, 2, 3, 40]) : 0
  if (alias > 0) properties.topicAlias = alias
  const isLarge = taste.isSlow && !random.oneIn(3)
  return {
    do: 'publish',
    slot,
    topic: alias > 0 && random.oneIn(2) ? '' : random.oneIn(25) ? random.pick(ODD_TOPICS) : random.pick(taste.topics),
    ...when(qos > 0, { qos, id: random.between(1, 4) }),
    ...when(qos > 0 && random.oneIn(5), { dup: true as const }),
    ...when(random.oneIn(4), { retain: true as const }),
    ...when(isLarge || random.oneIn(8), {
      bytes: isLarge
        ? random.between(5_000, LARGE_BYTES)
        : random.pick(taste.sharedFilters.length > 0 ? [60, 90, 200] : [0, 0, 60, 90, 200]),
    }),
    ...when(Object.keys(properties).length > 0, { properties }),
    ...sent(random, taste),
  }
}

function acknowledge(random: Random, taste: Taste, slot: number): Operation {
  const manner: Manner = random.oneIn(12)
    ? 'with an error'
    : random.oneIn(40)
      ? 'as the wrong kind'
      : random.oneIn(20)
        ? 'again'
        : 'rightly'
  return {
    do: 'acknowledge',
    slot,
    which: random.oneIn(3) ? random.below(5) : 0,
    ...when(manner !== 'rightly', { manner }),
    ...sent(random, taste),
  }
}

function disconnect(random: Random, taste: Taste, slot: number): Operation {
  return {
    do: 'disconnect',
    slot,
    ...when(random.oneIn(3), { code: random.pick([0x04, 0x80, 0x82, 0x98]) }),
    ...when(random.oneIn(3), { sessionExpiry: random.pick([0, 1, 5, 30]) }),
    ...sent(random, taste),
  }
}

function sent(random: Random, taste: Taste): Sent {
  return {
    ...when(!taste.isTight && random.oneIn(6), { joined: true as const }),
    ...when(random.oneIn(8), { pieces: random.pick([1, 2, 3, 7, 50]) }),
    ...when(!taste.isTight && random.oneIn(30), { later: random.between(1, 30) }),
    ...when(!taste.isTight && random.oneIn(40), { cutAt: random.below(200) }),
  }
}

function several<T>(random: Random, make: () => T): T[] {
  return Array.from({ length: random.oneIn(4) ? random.between(2, 3) : 1 }, make)
}

function when<T extends object>(condition: boolean, fields: T): Partial<T> {
  return condition ? fields : {}
}
