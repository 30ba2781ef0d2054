import { describe, expect, it } from 'vitest'
import type { BrokerOptions } from '../../../src/broker/configuration.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { startBroker } from '../../support/test-broker.ts'

const { V3_1_1 } = ProtocolVersion

const missing: readonly [string, BrokerOptions, string, number, number][] = [
  ['[U5-3.2.2.3.11-1, U5-3.2.2.3.11-2] wildcards', { wildcardSubscriptionAvailable: false }, 'a/#', 0, 0xa2],
  ['[U5-3.2.2.3.11-2] wildcards in a group', { wildcardSubscriptionAvailable: false }, '$share/g/+', 0, 0xa2],
  ['[U5-3.2.2.3.13-1, U5-3.2.2.3.13-2] groups', { sharedSubscriptionAvailable: false }, '$share/g/a', 0, 0x9e],
  ['[U5-3.2.2.3.12-1, U5-3.2.2.3.12-2] identifiers', { subscriptionIdentifierAvailable: false }, 'a', 7, 0xa1],
]

describe('a server that does not support', () => {
  it.each(missing)(
    '%s says so in CONNACK and refuses a filter that asks for it',
    async (_, options, topicFilter, identifier, code) => {
      const { client } = await startBroker(options)
      const subscriber = await client()
      expect(subscriber.connack.properties).toMatchObject({ [Object.keys(options)[0]!]: 0 })
      const properties = identifier === 0 ? {} : { subscriptionIdentifiers: [identifier] }

      expect((await subscriber.subscribe(topicFilter, properties)).codes).toEqual([code])
      expect((await subscriber.subscribe('a')).codes).toEqual([0])
      await (await client()).publishAndWait('a', 'x', { qos: 1 })
      await subscriber.message()
      await subscriber.quiet()
    },
  )

  it('[v311:MQTT-3.8.3-2] wildcards refuses every filter of a 3.1.1 client that has them', async () => {
    const { client } = await startBroker({ wildcardSubscriptionAvailable: false })
    const subscriber = await client({ version: V3_1_1 })
    const { codes } = await subscriber.subscribe(['#', 'a', '+/b', 'a/#'])
    await (await client()).publishAndWait('x/b', 'x', { qos: 1 })

    expect(codes).toEqual([0x80, 0, 0x80, 0x80])
    await subscriber.quiet()
  })
})
