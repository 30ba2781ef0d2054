import { expect, it } from 'vitest'
import { type ScenarioName, topologyOf } from '../../src/load/plan.ts'
import { matches } from '../../src/topic/topic-filter.ts'
import { loadPlan } from '../support/load-plan.ts'

function layout(scenario: ScenarioName, publishers: number, subscribers: number, parts = 1) {
  return topologyOf(loadPlan({ scenario, clients: publishers, publishers, subscribers }), parts)
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

it('gives every client an identifier and a number of its own', () => {
  const { publishers, subscribers } = layout('fanin', 4, 2)
  const all = [...publishers, ...subscribers]

  expect(new Set(all.map(({ clientId }) => clientId)).size).toBe(6)
  expect(new Set(all.map(({ client }) => client)).size).toBe(6)
})

it.each(['p2p', 'fanin', 'rtt'] as const)('%s keeps a publisher and its receiver in one part', (name) => {
  const { publishers, subscribers } = layout(name, 6, name === 'fanin' ? 3 : 6, 2)

  expect(new Set(publishers.map(({ part }) => part)).size).toBe(2)
  for (const { topic, part } of publishers) {
    expect(subscribers.find((one) => one.topic === topic)!.part).toBe(part)
  }
})

it('fills %i, %c and %u of a topic, and takes what they stand for as it is', () => {
  const plan = loadPlan({
    topic: '%u/%c/%i',
    clientId: 'c%i',
    credentials: [
      { userName: 'ann', password: null },
      { userName: '%i', password: null },
    ],
  })

  expect(topologyOf(plan, 1).publishers.map(({ topic }) => topic)).toEqual(['ann/c0/0', '%i/c1/1'])
})

it.each([
  ['p2p', 3, 3],
  ['fanin', 7, 2],
  ['fanout', 2, 5],
] as const)('%s: subscribers listen where publishers publish, with %%c and %%u in the topic', (scenario, p, s) => {
  const credentials = ['ann', 'bob', 'eve'].map((userName) => ({ userName, password: null }))
  const plan = loadPlan({ scenario, publishers: p, subscribers: s, topic: '%i/%c/%u', clientId: 'c%i', credentials })
  const { publishers, subscribers, fanOut } = topologyOf(plan, 1)
  const receivers = publishers.map(({ topic }) => subscribers.filter((one) => matches(one.topic, topic)).length)

  expect(receivers).toEqual(Array(p).fill(fanOut))
})
