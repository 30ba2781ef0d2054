import { describe, expect, it } from 'vitest'
import { type RouteResult, Router } from '../../src/broker/router.ts'
import { Message } from '../../src/codec/message.ts'
import { ALL_RIGHTS } from '../../src/session/rights.ts'
import type { ServerSession } from '../../src/session/server-session.ts'
import type { Subscription } from '../../src/session/session-state.ts'

/** A session that notes what it is given, as `topic identifiers`. */
function recorder(clientId: string, taken: string[], then?: () => void): ServerSession {
  const session: Pick<ServerSession, 'clientId' | 'isConnected' | 'rights' | 'forward'> = {
    clientId,
    isConnected: true,
    rights: ALL_RIGHTS,
    forward: ({ topicName }, _qos, _retain, identifiers) => {
      taken.push(`${clientId} ${topicName}${identifiers === null ? '' : ` ${[...identifiers].sort().join('+')}`}`)
      then?.()
      return true
    },
  }
  return session as ServerSession
}

function subscription(topicFilter: string, subscriptionIdentifier = 0): Subscription {
  return {
    topicFilter,
    qos: 1,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    subscriptionIdentifier,
  }
}

function route(router: Router, topicName: string): RouteResult {
  const result: RouteResult = { matched: 0, taken: 0, unclaimed: 0 }
  router.route(Message.create(topicName, ''), null, true, 0, result)
  return result
}

describe.each([0, 1, 3, 10_000])('with %i routes remembered', (maximumCachedRoutes) => {
  it('gives each topic to those that subscribed, whatever came before', () => {
    const router = new Router({ maximumCachedRoutes })
    const taken: string[] = []
    const a = recorder('a', taken)
    const b = recorder('b', taken)
    router.add(a, subscription('t/0', 1), true)
    router.add(a, subscription('t/+', 2), true)
    router.add(a, subscription('t/#', 3), true)
    router.add(b, subscription('t/1'), true)
    router.add(b, subscription('+/+'), true)

    // enough to fill a small cache, to miss it, and to have it emptied
    for (let round = 0; round < 20; round++) {
      taken.length = 0
      for (let i = 0; i < 4; i++) expect(route(router, `t/${i}`).matched).toBe(2)
      expect(route(router, 't').matched).toBe(1)
      expect(route(router, 'u').matched).toBe(0)
      expect([...taken].sort()).toEqual(
        ['a t/0 1+2+3', 'a t/1 2+3', 'a t/2 2+3', 'a t/3 2+3', 'a t 3', 'b t/0', 'b t/1', 'b t/2', 'b t/3'].sort(),
      )
    }

    router.remove(a, 't/#')
    router.remove(b, '+/+')
    taken.length = 0
    for (const topicName of ['t/0', 't/1', 't']) route(router, topicName)
    expect(taken.sort()).toEqual(['a t/0 1+2', 'a t/1 2', 'b t/1'])
  })

  it('keeps a message apart from one that is published while it is forwarded', () => {
    const router = new Router({ maximumCachedRoutes })
    const taken: string[] = []
    let isNested = false
    const a = recorder('a', taken, () => {
      if (isNested) return
      isNested = true
      route(router, 'inner')
    })
    router.add(a, subscription('outer'), true)
    for (const clientId of ['b', 'c']) {
      const session = recorder(clientId, taken)
      router.add(session, subscription('outer'), true)
      router.add(session, subscription('inner'), true)
    }

    expect(route(router, 'outer')).toEqual({ matched: 3, taken: 3, unclaimed: 0 })
    expect(taken).toEqual(['a outer', 'b inner', 'c inner', 'b outer', 'c outer'])
    expect(route(router, 'outer').matched).toBe(3)
  })

  it('finds each of many who hold one filter, also when some have left and come back', () => {
    const router = new Router({ maximumCachedRoutes })
    const taken: string[] = []
    const sessions = Array.from({ length: 30 }, (_, i) => recorder(`s${i}`, taken))
    for (const session of sessions) for (const filter of ['x', '#']) router.add(session, subscription(filter), true)
    const gone = new Set([0, 7, 8, 29])
    for (const i of gone) for (const filter of ['x', '#']) router.remove(sessions[i]!, filter)
    router.add(sessions[8]!, subscription('#'), true)

    expect(route(router, 'x').matched).toBe(27)
    expect(new Set(taken).size).toBe(27)
    expect(taken).toContain('s8 x')
    for (let i = 1; i < 29; i++) if (!gone.has(i)) for (const filter of ['x', '#']) router.remove(sessions[i]!, filter)
    taken.length = 0
    expect(route(router, 'x').matched).toBe(1)
    expect(taken).toEqual(['s8 x'])
    expect(router.subscriptionCount).toBe(1)
  })
})
