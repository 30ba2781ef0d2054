import { expect, it } from 'vitest'
import { limitRows } from '../../src/broker/limits.ts'
import { startBroker, type TestBroker } from '../support/test-broker.ts'
import { keeping } from '../support/versions.ts'

const SYS = '$SYS/broker/'
const PACKETS =
  'connect connack publish puback pubrec pubrel pubcomp subscribe suback unsubscribe unsuback pingreq pingresp disconnect auth'
const PACES =
  'messages/received messages/sent publish/received publish/sent publish/dropped bytes/received bytes/sent sockets connections'
const MOSQUITTO = `version uptime clients/total clients/active clients/inactive clients/connected clients/disconnected clients/maximum
  clients/expired messages/received messages/sent messages/stored publish/messages/dropped publish/messages/received
  publish/messages/sent publish/bytes/received publish/bytes/sent retained#messages/count store/messages/count store/messages/bytes
  subscriptions/count shared_subscriptions/count bytes/received bytes/sent heap/current`
const METRICS = `packets/received packets/sent messages/received messages/sent messages/dropped messages/unmatched messages/refused
  messages/retained deliveries/in deliveries/out deliveries/queued deliveries/dropped acknowledgements/unknown bytes/received
  bytes/sent connections/opened connections/refused`
const REASONS = 'queue-full expired too-large offline right-lost session-ended unreadable'

const words = (text: string): string[] => text.split(/\s+/).map((word) => word.replace('#', ' '))

/** All that is retained below $SYS. */
async function sys({ client }: TestBroker): Promise<Map<string, string>> {
  const watcher = await client()
  await watcher.subscribe('$SYS/#')
  const values = new Map<string, string>()
  for (const packet of await watcher.untilPong()) {
    if ('message' in packet) values.set(packet.message.topicName.slice(SYS.length), packet.message.payload.toString())
  }
  return values
}

it('Y-02 $SYS has every name of mosquitto, and every counter of the metrics tree', async () => {
  const broker = await startBroker({ sysIntervalSeconds: 10 })
  broker.clock.advance(10_000)
  const names = [...(await sys(broker)).keys()]
  const expected = [
    ...words(MOSQUITTO),
    ...words(PACES).flatMap((name) => [1, 5, 15].map((minutes) => `load/${name}/${minutes}min`)),
    ...words(METRICS).map((name) => `metrics/${name}`),
    ...words(REASONS).map((name) => `metrics/messages/dropped/${name}`),
    ...[0, 1, 2].flatMap((qos) => ['received', 'sent'].map((way) => `metrics/messages/qos${qos}/${way}`)),
    ...words(PACKETS).flatMap((type) => ['received', 'sent'].map((way) => `metrics/packets/${type}/${way}`)),
    ...Object.keys(limitRows).map(
      (name) => `metrics/limits/${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    ),
  ]
  expect(names.sort()).toEqual(expected.sort())
})

it('$SYS tells what has happened', async () => {
  const broker = await startBroker({ sysIntervalSeconds: 10, limits: { maximumTopicLevels: 2 } })
  const subscriber = await broker.client(keeping(5, 'away'))
  await subscriber.subscribe([{ topicFilter: 'a', qos: 1 }, '$share/g/b'])
  await subscriber.end()
  const publisher = await broker.client()
  for (let i = 0; i < 3; i++) await publisher.publishAndWait('a', 'xy', { qos: 1 })
  await publisher.publishAndWait('a/b/c', '', { qos: 1 })
  broker.clock.advance(10_000)

  const values = await sys(broker)
  const told = Object.fromEntries(
    `clients/connected clients/disconnected clients/total clients/maximum subscriptions/count shared_subscriptions/count
    publish/messages/received publish/bytes/received metrics/deliveries/in metrics/deliveries/queued metrics/packets/connect/received
    metrics/packets/puback/sent metrics/messages/qos1/received metrics/messages/refused metrics/limits/maximum-topic-levels
    metrics/connections/opened uptime`
      .split(/\s+/)
      .map((name) => [name, values.get(name)]),
  )
  expect(told).toEqual({
    'clients/connected': '1',
    'clients/disconnected': '1',
    'clients/total': '2',
    'clients/maximum': '1',
    'subscriptions/count': '2',
    'shared_subscriptions/count': '1',
    'publish/messages/received': '4',
    'publish/bytes/received': '6',
    'metrics/deliveries/in': '3',
    'metrics/deliveries/queued': '3',
    'metrics/packets/connect/received': '2',
    'metrics/packets/puback/sent': '4',
    'metrics/messages/qos1/received': '4',
    'metrics/messages/refused': '1',
    'metrics/limits/maximum-topic-levels': '1',
    'metrics/connections/opened': '2',
    uptime: '10 seconds',
  })
})

it('$SYS load is per minute, and forgets over 1, 5 and 15 minutes', async () => {
  const broker = await startBroker({ sysIntervalSeconds: 60 })
  const publisher = await broker.client()
  for (let i = 0; i < 100; i++) publisher.publish('a', 'x')
  await publisher.quiet()
  broker.clock.advance(60_000)
  const load = async () => {
    const values = await sys(broker)
    return [1, 5, 15].map((minutes) => Number(values.get(`load/publish/received/${minutes}min`)))
  }
  const forgotten = [1, 5, 15].map((window) => Math.exp(-1 / window))
  const first = forgotten.map((share) => 100 * (1 - share))
  for (const [index, value] of (await load()).entries()) expect(value).toBeCloseTo(first[index]!, 2)
  broker.clock.advance(60_000)
  for (const [index, value] of (await load()).entries()) expect(value).toBeCloseTo(first[index]! * forgotten[index]!, 2)
})
