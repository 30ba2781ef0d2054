import { describe, expect, it } from 'vitest'
import { startBroker } from '../support/test-broker.ts'
import { keeping } from '../support/versions.ts'

describe('limits that change while the broker runs', () => {
  it('count for what comes, and drop neither clients nor what waits', async () => {
    const { client, broker, open } = await startBroker({ limits: { maximumQueuedMessages: 3, maximumQos: 2 } })
    const publisher = await client()
    const sleeper = await client(keeping(5, 'c'))
    await sleeper.subscribe({ topicFilter: 'a', qos: 1 })
    await sleeper.end()
    for (const payload of ['1', '2']) await publisher.publishAndWait('a', payload, { qos: 1 })

    broker.setLimits({ maximumQueuedMessages: 1, maximumConnections: 1, maximumRetainedMessages: 0 })

    // 0x97: its queue is full, and nobody else took it
    expect(await publisher.publishAndWait('a', '3', { qos: 1 })).toMatchObject({ reasonCode: 0x97 })
    expect(await publisher.publishAndWait('b', 'x', { qos: 1, retain: true })).toMatchObject({ reasonCode: 0x97 })
    expect(await (await open(5)).connect()).toMatchObject({ code: 0x89 })
    broker.setLimits({})
    expect(await publisher.publishAndWait('a', '4', { qos: 1 })).toMatchObject({ reasonCode: 0 })
    const awake = await client(keeping(5, 'c'))
    for (const payload of ['1', '2', '4']) expect(await awake.message()).toMatchObject({ payload })
  })

  it('stay as they are when one is out of range', async () => {
    const { broker } = await startBroker({ limits: { maximumQos: 1 } })

    expect(() => broker.setLimits({ maximumQos: 0, maximumConnections: 0 })).toThrow(RangeError)
    expect(broker.limits.maximumQos).toBe(1)
  })
})
