import { expect, it } from 'vitest'
import { type LoadPlan, type ScenarioName, topologyOf } from '../../src/load/scenario.ts'
import { matches } from '../../src/topic/topic-filter.ts'

function layout(scenario: ScenarioName, publishers: number, subscribers: number) {
  const plan: LoadPlan = {
    scenario,
    clients: publishers,
    publishers,
    subscribers,
    qos: 0,
    payloadBytes: 64,
    rate: null,
    durationMs: 1000,
    messages: null,
    warmupMs: 0,
    window: 10,
    inFlight: 10,
    connectRate: null,
    topic: null,
    seed: 7,
  }
  return topologyOf(plan, '')
}

it.each([
  ['p2p', 3, 3],
  ['rtt', 3, 3],
  ['fanin', 7, 2],
  ['fanout', 2, 5],
] as const)('%s: each message of each publisher reaches as many subscribers as the fan-out says', (name, p, s) => {
  const { publishers, subscribers, fanOut } = layout(name, p, s)
  const receivers = publishers.map(({ topic }) => subscribers.filter((one) => matches(one.topic, topic)).length)

  expect(receivers).toEqual(Array(p).fill(fanOut))
})

it('gives every client an identifier of its own', () => {
  const { publishers, subscribers } = layout('fanin', 4, 2)
  const ids = [...publishers, ...subscribers].map(({ clientId }) => clientId)

  expect(new Set(ids).size).toBe(6)
})
