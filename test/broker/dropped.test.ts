import { expect, it } from 'vitest'
import { startBroker } from '../support/test-broker.ts'
import { keeping } from '../support/versions.ts'

const DROPPED = '$SYS/broker/metrics/messages/dropped'

it('L-02 $SYS tells losses by reason, and their sum', async () => {
  const { client, clock } = await startBroker({ sysIntervalSeconds: 10, limits: { maximumQueuedMessages: 2 } })
  const publisher = await client()
  const sleeper = await client(keeping(5, 'c'))
  await sleeper.subscribe({ topicFilter: 'a', qos: 1 })
  await sleeper.end()
  // one finds the queue full, one finds nobody there, two wait until a clean start ends the session
  for (const qos of [1, 1, 1] as const) await publisher.publishAndWait('a', 'x', { qos })
  publisher.publish('a', 'x', { qos: 0 })
  await publisher.publishAndWait('nobody', 'x', { qos: 1 })
  await (await client({ clientId: 'c', cleanStart: true })).end()
  clock.advance(10_000)

  const watcher = await client()
  await watcher.subscribe([`${DROPPED}/#`])
  const told = new Map<string, string>()
  for (let i = 0; i < 8; i++) {
    const { topic, payload } = await watcher.message()
    told.set(topic.slice(DROPPED.length), payload)
  }
  expect(Object.fromEntries(told)).toEqual({
    '': '4',
    '/queue-full': '1',
    '/expired': '0',
    '/too-large': '0',
    '/offline': '1',
    '/right-lost': '0',
    '/session-ended': '2',
    '/unreadable': '0',
  })
})
