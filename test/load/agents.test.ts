import { describe, expect, it, onTestFinished } from 'vitest'
import { Client } from '../../src/client/client.ts'
import { type AgentObserver, serveAgent } from '../../src/load/agent.ts'
import { lastWords, type Order, request, type Said } from '../../src/load/agent-words.ts'
import { findAgents } from '../../src/load/agents.ts'
import { ownUs } from '../../src/load/clock.ts'
import { LoadCoordinator } from '../../src/load/coordinator.ts'
import { parseAddress } from '../../src/transport/address.ts'
import { loadPlan } from '../support/load-plan.ts'
import { startBroker } from '../support/test-broker.ts'

const RUN = 'bench-1'
const PATIENCE_MS = 10_000

/** An agent without a load, on a machine whose clock is elsewhere. */
async function pretend(url: string, name: string, aheadUs: number, answers: (order: Order) => Said['event'] | null) {
  const words = `g/event/${name}`
  const orders: Order['command'][] = []
  const say = (said: Said) => client.publish(words, JSON.stringify(said), { qos: 1 })
  const client = new Client(
    {
      address: parseAddress(url).address,
      will: lastWords(words, { run: null, event: { event: 'gone' } }),
    },
    {
      message: ({ message }) => {
        const words = JSON.parse(message.payload.toString())
        if (message.topicName === 'g/call') return void say({ run: words.run, event: { event: 'here' } })
        const order = words as Order
        orders.push(order.command)
        const { command } = order
        const own = answers(order)
        if (own !== null) void say({ run: order.run, event: own })
        else if (command.order === 'clock')
          void say({ run: order.run, event: { event: 'clock', atUs: command.atUs, ownUs: ownUs() + aheadUs } })
      },
    },
  )
  onTestFinished(() => client.destroy())
  await client.connect()
  await client.subscribe([request('g/call'), request(`g/order/${name}`)])
  return { client, orders }
}

/** A real agent; `begun` and `ended` are resolved with the run. */
async function serve(url: string) {
  let begin!: (run: string) => void
  let end!: (run: string) => void
  const begun = new Promise<string>((resolve) => {
    begin = resolve
  })
  const ended = new Promise<string>((resolve) => {
    end = resolve
  })
  const observer: AgentObserver = { ready: () => {}, began: begin, ended: end }
  const stop = await serveAgent({ address: parseAddress(url).address }, 'g', 'real', observer, () => {})
  return { begun, ended, stop }
}

describe('agents', () => {
  it('get the clock of whoever called them, and tell how wrong it may be', async () => {
    const { url } = await startBroker()
    const aheadUs = 3.6e9
    const { orders } = await pretend(url, 'far', aheadUs, () => null)
    const agents = await findAgents({ address: parseAddress(url).address }, 'g', RUN, 1, PATIENCE_MS)
    const errorMs = await agents.ports[0]!.clockErrorMs()
    await agents.close()

    const follow = orders.find((one) => one.order === 'follow')
    expect(Math.abs(follow!.aheadUs - aheadUs)).toBeLessThanOrEqual(errorMs * 1000)
    expect(errorMs).toBeGreaterThan(0)
    expect(orders.at(-1)).toEqual({ order: 'leave' })
  })

  it('of this machine read the same clock already', async () => {
    const { url } = await startBroker()
    const { orders } = await pretend(url, 'near', 0, () => null)
    const agents = await findAgents({ address: parseAddress(url).address }, 'g', RUN, 1, PATIENCE_MS)
    onTestFinished(() => agents.close())

    expect(await agents.ports[0]!.clockErrorMs()).toBe(0)
    expect(orders.find((one) => one.order === 'follow')).toEqual({ order: 'follow', aheadUs: 0 })
  })

  it.each([
    ['before it begins', () => null],
    ['while it connects', (order: Order) => (order.command.order === 'connect' ? ({ event: 'gone' } as const) : null)],
  ])('that go end the run: %s', async (when, answers) => {
    const { url } = await startBroker()
    const { client } = await pretend(url, 'frail', 0, answers)
    const agents = await findAgents({ address: parseAddress(url).address }, 'g', RUN, 1, PATIENCE_MS)
    onTestFinished(() => agents.close())
    if (when === 'before it begins') {
      const lost = new Promise<Error>((resolve) => {
        agents.ports[0]!.lost = resolve
      })
      client.destroy()
      await lost
    }

    const run = new LoadCoordinator(loadPlan({}, url), agents.ports, {}, null).run()
    await expect(run).rejects.toThrow('agent frail is gone')
  })

  it('that work for another run are no agents', async () => {
    const { url } = await startBroker()
    await pretend(url, 'taken', 0, () => ({ event: 'busy' }))
    const found = findAgents({ address: parseAddress(url).address }, 'g', RUN, 1, PATIENCE_MS)

    await expect(found).rejects.toThrow('agent taken works for another run')
  })

  it('that do not answer are counted', async () => {
    const { url } = await startBroker()
    const found = findAgents({ address: parseAddress(url).address }, 'g', RUN, 2, 1)

    await expect(found).rejects.toThrow('0 of 2 agents have answered on g')
  })
})

describe('an agent', () => {
  it('is free again when the coordinator of its run dies, and refuses others until then', async () => {
    const { url } = await startBroker()
    const { begun, ended, stop } = await serve(url)
    onTestFinished(stop)
    const address = parseAddress(url).address
    const heard: Said[] = []
    let wake = (): void => {}
    const coordinator = new Client(
      { address, will: lastWords('g/end', { run: RUN }) },
      {
        message: ({ message }) => {
          heard.push(JSON.parse(message.payload.toString()))
          wake()
        },
      },
    )
    await coordinator.connect()
    await coordinator.subscribe([request('g/event/+')])
    const order = (run: string) =>
      coordinator.publish('g/order/real', JSON.stringify({ run, command: { order: 'clock', atUs: 1 } }), { qos: 1 })
    await coordinator.publish('g/order/real', 'no JSON', { qos: 1 })
    await order(RUN)
    expect(await begun).toBe(RUN)
    await order('bench-2')
    while (heard.length < 2) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    expect(heard.map(({ run, event }) => [run, event.event])).toEqual([
      [RUN, 'clock'],
      ['bench-2', 'busy'],
    ])
    coordinator.destroy()

    expect(await ended).toBe(RUN)
  })
})
