import { expect, it } from 'vitest'
import { PacketType } from '../../src/codec/packet-type.ts'
import { startBroker } from '../support/test-broker.ts'

it('routes a message from one client to another', async () => {
  const { client } = await startBroker()
  const subscriber = await client()
  await subscriber.subscribe({ topicFilter: 'chat/room/+', qos: 1 })
  const publisher = await client()
  const puback = await publisher.publishAndWait('chat/room/1', 'hello', { qos: 1 })
  expect(puback!.reasonCode).toBe(0)
  expect(await subscriber.message()).toMatchObject({ topic: 'chat/room/1', payload: 'hello', qos: 1, dup: false })
})

it('drops a client that is silent for one and a half times its keep alive', async () => {
  const { client, clock } = await startBroker()
  const silent = await client({ keepAliveSeconds: 10 })
  clock.advance(14_999)
  await silent.quiet()
  clock.advance(15_000)
  expect(await silent.expect(PacketType.DISCONNECT)).toMatchObject({ reasonCode: 0x8d })
  await silent.closed()
})

it('stops with nothing left open', async () => {
  const { broker, client } = await startBroker()
  const connected = await client()
  const stopped = broker.stop()
  expect(await connected.expect(PacketType.DISCONNECT)).toMatchObject({ reasonCode: 0x8b })
  connected.socket.destroy()
  await stopped
})

it('delivers what follows a message larger than the bound on output', async () => {
  const { client } = await startBroker()
  const subscriber = await client()
  await subscriber.subscribe('t')
  const publisher = await client()
  publisher.publish('t', Buffer.alloc(2_000_000, 'x'))
  for (const payload of ['a', 'b', 'c']) publisher.publish('t', payload)
  expect((await subscriber.message()).payload).toHaveLength(2_000_000)
  for (const payload of ['a', 'b', 'c']) expect(await subscriber.message()).toMatchObject({ payload })
})
