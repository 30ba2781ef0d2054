import type { Random } from '../support/random.ts'
import type { Operation, Script } from './operations.ts'
import { CLIENT_IDS, TOPICS } from './random-script.ts'

/** Restarts of one script, at most: so few that sessions grow old between them. */
const MOST_RESTARTS = 6
/** Operations that happen while nothing is committed, at most. */
const MOST_HELD = 12

/** The same script, in which the broker ends and starts again a few times. Its clients come back more readily than others. */
export function withRestarts({ limits, operations }: Script, random: Random): Script {
  // where queues are short it must be clear what is in them: what is held back nobody sees, and the wills of all who were connected
  // when the broker ended may be due at one moment, in any order
  const mayHold = limits.maximumQueuedMessages > operations.length
  const all = mayHold ? [...operations] : operations.map(withoutWill)
  for (let count = random.between(1, MOST_RESTARTS); count > 0; count--) {
    const at = random.below(operations.length + 1)
    if (!mayHold || random.oneIn(2)) all.splice(at, 0, ...restart(random, random.oneIn(2) ? 'stop' : 'kill'))
    else {
      const end: Operation[] = random.oneIn(3) ? [{ do: 'let commits go' }] : restart(random, 'kill')
      all.splice(at + random.between(1, MOST_HELD), 0, ...end)
      all.splice(at, 0, ...clientsBack(random), { do: 'hold commits' }, ...exactlyOnce(random))
    }
  }
  return { limits, operations: all }
}

function withoutWill(operation: Operation): Operation {
  if (operation.do !== 'connect') return operation
  const { will: _, ...connect } = operation
  return connect
}

function restart(random: Random, how: 'stop' | 'kill'): Operation[] {
  const away = random.oneIn(2) ? {} : { awayMs: random.pick([500, 1000, 2000, 5000, 15_000, 100_000]) }
  return [{ do: how, ...away }, ...clientsBack(random), ...exactlyOnce(random)]
}

function clientsBack(random: Random): Operation[] {
  return CLIENT_IDS.flatMap((clientId, slot): Operation[] =>
    random.oneIn(4) ? [] : [{ do: 'connect', slot, version: 5, clientId, properties: { sessionExpiry: 60 } }],
  )
}

// Its ids are those of all other operations.
function exactlyOnce(random: Random): Operation[] {
  if (random.oneIn(2)) return []
  const slot = random.below(CLIENT_IDS.length)
  const id = random.between(1, 4)
  return [
    { do: 'publish', slot, topic: random.pick(TOPICS), qos: 2, id },
    { do: 'release', slot, id },
  ]
}
