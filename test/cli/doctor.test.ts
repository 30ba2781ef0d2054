import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { PacketType } from '../../src/codec/packet-type.ts'
import { Connack } from '../../src/codec/packets/connack.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { formatAddress, parseAddress } from '../../src/transport/address.ts'
import { examined, expectExplained, found, statuses } from '../support/doctor-report.ts'
import { run, start } from '../support/program.ts'
import { ScriptedBroker } from '../support/scripted-broker.ts'
import { startBroker } from '../support/test-broker.ts'
import { TestClient } from '../support/test-client.ts'

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** Answers whatever comes with these bytes and ends. */
function answering(bytes: string): Promise<number> {
  return listening(
    createServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', () => socket.end(bytes))
    }),
  )
}

describe('doctor and a broker', () => {
  it('finds everything in order, and measures', async () => {
    const { url } = await startBroker()

    const report = await examined(url)

    expect(report.exitCode).toBe(0)
    expect(statuses(report)).toEqual([
      'DNS skipped',
      'TCP ok',
      'MQTT 5.0 ok',
      'MQTT 3.1.1 ok',
      'MQTT 3.1 ok',
      'QoS ok',
      'retained messages ok',
      'wildcards ok',
      'shared subscriptions ok',
      'subscription ids ok',
      'packet size ok',
      'receive maximum ok',
      'topic alias ok',
      'keep alive ok',
      'client id ok',
      'subscribe ok',
      'subscribe wildcard ok',
      'subscribe shared ok',
      'retain ok',
      'latency ok',
      'payload ok',
      'topic ok',
      'client id length ok',
    ])
  })

  it('tells the limits of CONNACK, and those that it finds by trying', async () => {
    const { url } = await startBroker({
      retainAvailable: false,
      wildcardSubscriptionAvailable: false,
      sharedSubscriptionAvailable: false,
      limits: {
        maximumQos: 1,
        maximumPacketBytes: 70_000,
        receiveMaximum: 7,
        maximumTopicAliases: 3,
        maximumTopicBytes: 2000,
        maximumKeepAliveSeconds: 30,
        maximumClientIdBytes: 100,
      },
    })

    const report = await examined(url)

    expect(report.exitCode).toBe(0)
    const details = Object.fromEntries(report.findings.map(({ step, details }) => [step, details]))
    expect(details).toMatchObject({
      QoS: { maximumQos: 1 },
      'retained messages': { available: false },
      wildcards: { available: false },
      'shared subscriptions': { available: false },
      'packet size': { maximumPacketBytes: 70_000 },
      'receive maximum': { receiveMaximum: 7 },
      'topic alias': { topicAliasMaximum: 3 },
      'keep alive': { keepAliveSeconds: 30 },
      payload: { taken: 65_536 },
      topic: { taken: 1024, refused: 4096 },
      'client id length': { taken: 64, refused: 128 },
    })
    expect(found(report, 'retain')).toBeUndefined()
    expect(found(report, 'subscribe wildcard')).toMatchObject({ status: 'note', details: { code: 0xa2 } })
  })

  it('leaves no retained message behind, and nothing at all with --no-messages', async () => {
    const { url } = await startBroker()

    await examined(url, '-t', 'a')
    const listener = new TestClient(parseAddress(url).address)
    const { client } = listener
    await client.connect()
    await client.subscribe([{ topicFilter: '#', qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 }])
    await client.publish('end', '.', { qos: 1 })
    const quiet = await examined(url, '--no-messages')

    expect(await listener.hear('message')).toBe('message end . q0')
    expect(statuses(quiet).at(-1)).toBe('client id ok')
  })

  it('ends with 5 when the password is wrong, and does not try it three times', async () => {
    const { url } = await startBroker({ users: new Map([['ann', 'secret']]) })

    const report = await examined(url, '-u', 'ann', '-P', 'wrong')

    expect(report.exitCode).toBe(5)
    expect(statuses(report).slice(2)).toEqual(['MQTT 5.0 failed', 'MQTT 3.1.1 skipped', 'MQTT 3.1 skipped'])
    expectExplained(found(report, 'MQTT 5.0'))
  })

  it('goes on with 3.1.1 when the broker does not speak 5.0', async () => {
    const broker = await ScriptedBroker.start()
    const program = start(['doctor', formatAddress(broker.address), '--json', '--no-messages'])
    await broker.connection() // TCP alone
    for (const isKnown of [false, true, true]) {
      const peer = await broker.connection()
      await peer.expect(PacketType.CONNECT)
      if (isKnown) peer.send(new Connack(false, 0))
      else peer.sendBytes('20 02 00 01')
      if (peer.version === ProtocolVersion.V3_1) break
    }

    const { exitCode, stdout } = await program.finished()

    expect(exitCode).toBe(0)
    expect(statuses(JSON.parse(stdout)).slice(2)).toEqual([
      'MQTT 5.0 note',
      'MQTT 3.1.1 ok',
      'MQTT 3.1 ok',
      'limits skipped',
    ])
  })
})

describe('doctor and what is no broker', () => {
  it('ends with 3 at a name that nobody knows', async () => {
    const report = await examined('mqtt://host.invalid')

    expect(report.exitCode).toBe(3)
    expect(statuses(report)).toEqual(['DNS failed'])
    expectExplained(found(report, 'DNS'))
  })

  it('ends with 3 where nobody listens, and says so to people', async () => {
    const server = createServer()
    const port = await listening(server)
    await new Promise((resolve) => server.close(resolve))

    const { exitCode, stdout, stderr } = await run(['doctor', `mqtt://127.0.0.1:${port}`])

    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: '' })
    expect(stdout).toMatch(/^failed {3}TCP .*ECONNREFUSED.*\n +The machine is there, .*\n +Try: Start the broker/m)
  })

  it('ends with 8 when plain bytes answer TLS', async () => {
    const report = await examined(`mqtts://127.0.0.1:${await answering('hello, this is not TLS')}`)

    expect(report.exitCode).toBe(8)
    expect(statuses(report)).toEqual(['DNS skipped', 'TCP ok', 'TLS failed'])
    expect(found(report, 'TLS').cause).toMatch(/speaks no TLS/)
    expectExplained(found(report, 'TLS'))
  })

  it('ends with 10 when a web server answers CONNECT', async () => {
    const report = await examined(`mqtt://127.0.0.1:${await answering('HTTP/1.1 400 Bad Request\r\n\r\n')}`)

    expect(report.exitCode).toBe(10)
    expect(statuses(report).slice(1, 3)).toEqual(['TCP ok', 'MQTT 5.0 failed'])
    expectExplained(found(report, 'MQTT 5.0'))
  })

  it('ends with 3 when a web server has no WebSocket there', async () => {
    const http = createHttpServer((_, response) => response.writeHead(404).end())

    const report = await examined(`ws://127.0.0.1:${await listening(http)}/mqtt`)

    expect(report.exitCode).toBe(3)
    expect(statuses(report)).toEqual(['DNS skipped', 'TCP ok', 'WebSocket failed'])
    expect(found(report, 'WebSocket').cause).toMatch(/no WebSocket at this path/)
    expectExplained(found(report, 'WebSocket'))
  })

  it('waits for CONNACK no longer than --probe-timeout', async () => {
    const broker = await ScriptedBroker.start()

    const report = await examined(formatAddress(broker.address), '--probe-timeout', '100ms')

    expect(report.exitCode).toBe(3)
    expect(statuses(report).slice(1)).toEqual(['TCP ok', 'MQTT 5.0 failed', 'MQTT 3.1.1 failed', 'MQTT 3.1 failed'])
    expectExplained(found(report, 'MQTT 5.0'))
  })
})
