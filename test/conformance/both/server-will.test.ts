import { describe, expect, it } from 'vitest'
import type { Will } from '../../../src/codec/packets/connect.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import type { RawClient } from '../../support/raw-client.ts'
import { startBroker, type TestBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const { V5 } = ProtocolVersion

function will(fields: Partial<Will> = {}): Will {
  return { topicName: 'will', payload: Buffer.from('gone'), qos: 1, retain: false, properties: {}, ...fields }
}

async function watch({ client }: TestBroker): Promise<RawClient> {
  const watcher = await client()
  await watcher.subscribe('will')
  return watcher
}

describe.each(EACH_VERSION)('a will, MQTT %s', (_, version) => {
  it('[v5:MQTT-3.1.2-7, v5:MQTT-3.1.2-8, v311:MQTT-3.1.2-8, V31-24] is published when the connection breaks', async () => {
    const test = await startBroker()
    const watcher = await watch(test)
    const client = await test.client({ version, will: will() })
    await watcher.quiet()
    client.cut()

    expect(await watcher.message()).toMatchObject({ topic: 'will', payload: 'gone', retain: false })
  })

  it('[v5:MQTT-3.14.4-3, v5:MQTT-3.1.2-10, v311:MQTT-3.14.4-3, v311:MQTT-3.1.2-10] is dropped by DISCONNECT', async () => {
    const test = await startBroker()
    const watcher = await watch(test)
    const client = await test.client({ ...keeping(version, 'id'), will: will() })
    client.disconnect()
    await client.closed()
    await watcher.quiet()

    const again = await test.client(keeping(version, 'id'))
    again.cut()
    await again.closed()
    await watcher.quiet()
  })

  it('[v5:MQTT-3.1.2-10, v311:MQTT-3.1.2-10] is published once', async () => {
    const test = await startBroker()
    const watcher = await watch(test)
    const client = await test.client({ ...keeping(version, 'id'), will: will() })
    client.cut()
    await watcher.message()
    await (await test.client(keeping(version, 'id'))).end()

    await watcher.quiet()
  })

  it('[v311:MQTT-3.1.2-12] that was not given is not published', async () => {
    const test = await startBroker()
    const watcher = await test.client()
    await watcher.subscribe('#')
    await (await test.client({ version })).end()

    await watcher.quiet()
  })

  it.each([
    ['[v5:MQTT-3.1.2-14, v311:MQTT-3.1.2-16] is not retained without its flag', false],
    ['[v5:MQTT-3.1.2-15, v311:MQTT-3.1.2-17] is retained with its flag', true],
  ])('%s', async (_title, retain) => {
    const test = await startBroker()
    await (await test.client({ version, will: will({ retain }) })).end()
    const late = await test.client()
    await late.subscribe('will')

    if (retain) expect(await late.message()).toMatchObject({ payload: 'gone', retain: true })
    await late.quiet()
  })

  it('[v5:U5-3.1.4-2] is published when its client is taken over', async () => {
    const test = await startBroker()
    const watcher = await watch(test)
    await test.client({ version, clientId: 'id', will: will() })
    await test.client({ version, clientId: 'id' })

    expect(await watcher.message()).toMatchObject({ payload: 'gone' })
  })
})

describe('a will, MQTT 5.0', () => {
  const delayed = { ...keeping(V5, 'id'), will: will({ properties: { willDelayIntervalSeconds: 30 } }) }

  it('[v5:MQTT-3.1.2-8] waits for its delay', async () => {
    const test = await startBroker()
    const watcher = await watch(test)
    await (await test.client(delayed)).end()
    test.clock.advance(29_999)
    await watcher.quiet()
    test.clock.advance(1)

    expect(await watcher.message()).toMatchObject({ payload: 'gone' })
  })

  it('[v5:MQTT-3.1.2-8] goes out when the session ends before its delay', async () => {
    const test = await startBroker()
    const watcher = await watch(test)
    await (await test.client({ ...delayed, properties: { sessionExpiryIntervalSeconds: 10 } })).end()
    test.clock.advance(9_999)
    await watcher.quiet()
    test.clock.advance(1)

    expect(await watcher.message()).toMatchObject({ payload: 'gone' })
  })

  it('[v5:MQTT-3.1.3-9, v5:MQTT-3.1.2-8] is cancelled by a client that is back in time', async () => {
    const test = await startBroker()
    const watcher = await watch(test)
    await (await test.client(delayed)).end()
    test.clock.advance(29_999)
    await test.client(keeping(V5, 'id'))
    test.clock.advance(1_000_000)

    await watcher.quiet()
  })

  it.each([0x04, 0x80, 0x82, 0x99])('[v5:U5-3.14.0-1] is published after DISCONNECT %i', async (code) => {
    const test = await startBroker()
    const watcher = await watch(test)
    const client = await test.client({ will: will() })
    client.disconnect(code)

    expect(await watcher.message()).toMatchObject({ payload: 'gone' })
  })

  it('[v5:MQTT-3.1.3-10] keeps the order of its User Properties', async () => {
    const test = await startBroker()
    const watcher = await watch(test)
    const userProperties: [string, string][] = [
      ['b', '1'],
      ['a', '2'],
      ['b', '3'],
    ]
    await (await test.client({ will: will({ properties: { userProperties } }) })).end()

    expect((await watcher.message()).properties).toEqual({ userProperties })
  })

  it('[v5:U5-3.1.3.2.3-2] marked as text is passed on unchecked, as it may be', async () => {
    const test = await startBroker()
    const watcher = await watch(test)
    const payload = Buffer.from([0xff, 0xfe])
    const client = await test.client({ will: will({ payload, properties: { payloadFormatIndicator: 1 } }) })
    expect(client.connack.code).toBe(0)
    client.cut()
    const { publish, properties } = await watcher.message()

    expect([publish.message.payload, properties]).toEqual([payload, { payloadFormatIndicator: 1 }])
  })

  it.each([
    ['[v5:MQTT-3.2.2-12] above the Maximum QoS', { limits: { maximumQos: 1 } }, { qos: 2 as const }, 0x9b],
    ['[v5:MQTT-3.2.2-13] to be retained where nothing is', { retainAvailable: false }, { retain: true }, 0x9a],
  ])('%s is refused, and the connection closed', async (_, options, fields, code) => {
    const { client } = await startBroker(options)
    const refused = await client({ will: will(fields) })
    await refused.closed()

    expect(refused.connack.code).toBe(code)
  })
})
