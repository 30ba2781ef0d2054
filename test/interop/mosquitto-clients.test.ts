import { describe, expect, it } from 'vitest'
import { PacketType } from '../../src/codec/packet-type.ts'
import { findPeer, Peer, run } from '../support/peers.ts'
import { startBroker, type TestBroker } from '../support/test-broker.ts'

const present = findPeer('mosquitto_pub', 'mosquitto_pub', ['--help'])
const versions = ['mqttv31', 'mqttv311', 'mqttv5']
const levels = ['0', '1', '2']

/** host, port and version as mosquitto's clients want them. */
function at(url: string, version: string): string[] {
  return ['-h', '127.0.0.1', '-p', new URL(url).port, '-V', version]
}

/** Starts mosquitto_sub and waits until the broker has answered its SUBSCRIBE: what it prints stays in its buffer until it ends. */
async function subscribed({ broker, url }: TestBroker, version: string, ...args: string[]): Promise<Peer> {
  const answered = new Promise<void>((resolve) => {
    broker.trace = (_connection, sent, packet) => {
      if (sent && packet.packetType === PacketType.SUBACK) resolve()
    }
  })
  const peer = new Peer('mosquitto_sub', [...at(url, version), '-d', '-v', ...args])
  await answered
  return peer
}

describe.skipIf(!present)('mosquitto_pub and mosquitto_sub', () => {
  describe.each(versions)('at %s', (version) => {
    it.each(levels)('carry a message at QoS %s', async (qos) => {
      const broker = await startBroker()
      const { url } = broker
      const subscriber = await subscribed(broker, version, '-t', 'chat/+/1', '-q', qos, '-C', '1')
      const { exitCode } = await run(
        'mosquitto_pub',
        ...at(url, version),
        '-t',
        'chat/room/1',
        '-m',
        'hello',
        '-q',
        qos,
      )
      expect(exitCode).toBe(0)
      const { stdout } = await subscriber.finished()
      expect(stdout).toContain('chat/room/1 hello')
      expect(stdout).toContain(`q${qos}, r0`)
    })

    it('get a retained message with RETAIN set', async () => {
      const broker = await startBroker()
      const { url } = broker
      await run('mosquitto_pub', ...at(url, version), '-t', 'state', '-m', 'on', '-r', '-q', '1')
      const { stdout } = await run('mosquitto_sub', ...at(url, version), '-t', 'state', '-F', '%r %p', '-C', '1')
      expect(stdout).toBe('1 on\n')
    })

    it('see the will of a client that was killed', async () => {
      const broker = await startBroker()
      const watcher = await subscribed(broker, version, '-t', 'will', '-q', '1', '-C', '1')
      const dying = await subscribed(
        broker,
        version,
        '-t',
        'x',
        '--will-topic',
        'will',
        '--will-payload',
        'gone',
        '--will-qos',
        '1',
      )
      dying.kill('SIGKILL')
      expect((await watcher.finished()).stdout).toContain('will gone')
    })

    it('find the messages that came while they were away', async () => {
      const broker = await startBroker()
      const { url } = broker
      const session = ['-i', 'sleeper', '-c', ...(version === 'mqttv5' ? ['-x', '3600'] : [])]
      const first = await subscribed(broker, version, ...session, '-t', 'mail/#', '-q', '1', '-E')
      await first.finished()
      for (const text of ['one', 'two', 'three']) {
        await run('mosquitto_pub', ...at(url, version), '-t', 'mail/a', '-m', text, '-q', '2')
      }
      const { stdout } = await run(
        'mosquitto_sub',
        ...at(url, version),
        ...session,
        '-t',
        'mail/#',
        '-q',
        '1',
        '-C',
        '3',
      )
      expect(stdout).toBe('one\ntwo\nthree\n')
    })
  })

  it('carry user properties, content type and expiry of 5.0', async () => {
    const broker = await startBroker()
    const { url } = broker
    const subscriber = await subscribed(broker, 'mqttv5', '-t', 'p', '-C', '1', '-F', '%P|%C|%E|%p')
    const properties = [
      '-D',
      'publish',
      'user-property',
      'a',
      '1',
      '-D',
      'publish',
      'content-type',
      'text/plain',
      '-D',
      'publish',
      'message-expiry-interval',
      '60',
    ]
    await run('mosquitto_pub', ...at(url, 'mqttv5'), '-t', 'p', '-m', 'x', ...properties)
    expect((await subscriber.finished()).stdout).toContain('a:1|text/plain|60|x')
  })

  it('ask and answer with mosquitto_rr', async () => {
    const broker = await startBroker()
    const { url } = broker
    const responder = await subscribed(broker, 'mqttv5', '-t', 'question', '-C', '1', '-F', '%R')
    const asker = new Peer('mosquitto_rr', [...at(url, 'mqttv5'), '-t', 'question', '-e', 'answer', '-m', 'why', '-d'])
    expect((await responder.finished()).stdout.split('\n')).toContain('answer')
    await run('mosquitto_pub', ...at(url, 'mqttv5'), '-t', 'answer', '-m', 'because')
    const { stdout, exitCode } = await asker.finished()
    expect(exitCode).toBe(0)
    expect(stdout).toContain('because')
  })
})
