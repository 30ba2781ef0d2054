import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findPeer, Peer, run } from '../support/peers.ts'

const MOSQUITTO = '/usr/sbin/mosquitto'
const present = findPeer('mosquitto', MOSQUITTO, ['-h'])
const binary = fileURLToPath(new URL('../../bin/mqtt-kit.cjs', import.meta.url))

let mosquitto: Peer
let url: string

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const mqttKit = (...args: string[]) => run(process.execPath, binary, ...args)

/** `mqtt-kit sub` that has its SUBACK: its trace says so. */
async function subscribed(...args: string[]): Promise<Peer> {
  const peer = new Peer(process.execPath, [binary, 'sub', url, '-d', ...args])
  await peer.says('SUBACK')
  return peer
}

describe.skipIf(!present)('mqtt-kit pub and sub through mosquitto', () => {
  beforeAll(async () => {
    const port = await freePort()
    const file = join(mkdtempSync(join(tmpdir(), 'mqtt-kit-')), 'mosquitto.conf')
    writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\n`)
    mosquitto = new Peer(MOSQUITTO, ['-v', '-c', file])
    await mosquitto.says('running')
    url = `mqtt://127.0.0.1:${port}`
  })

  afterAll(async () => {
    mosquitto.kill()
    await mosquitto.finished()
  })

  describe.each(['3.1', '3.1.1', '5'])('at %s', (version) => {
    it.each(['0', '1', '2'])('carry messages at QoS %s, matched by a wildcard', async (qos) => {
      const subscriber = await subscribed('-V', version, '-t', 'chat/+/1', '-q', qos, '-v', '-C', '1')
      const publisher = await mqttKit('pub', url, '-V', version, '-t', 'chat/room/1', '-m', 'hello', '-q', qos)
      expect(publisher).toEqual({ exitCode: 0, stdout: '', stderr: '' })
      expect(await subscriber.finished()).toMatchObject({ exitCode: 0, stdout: 'chat/room/1 hello\n' })
    })

    it('keep and fetch a retained message', async () => {
      const topic = `state/${version}`
      await mqttKit('pub', url, '-V', version, '-t', topic, '-m', 'on', '-r', '-q', '1')
      expect(await mqttKit('sub', url, '-V', version, '-t', topic, '-C', '1', '-W', '10')).toMatchObject({
        exitCode: 0,
        stdout: 'on\n',
      })
    })

    it('leave a will when they are killed', async () => {
      const watcher = await subscribed('-V', version, '-t', 'will', '-C', '1')
      const dying = await subscribed('-V', version, '-t', 'x', '--will-topic', 'will', '--will-payload', 'gone')
      dying.kill('SIGKILL')
      expect((await watcher.finished()).stdout).toBe('gone\n')
    })

    it('find offline messages in a persistent session', async () => {
      const session = ['-V', version, '-i', `sleeper-${version}`, '-c', '-q', '1', '-t', 'mail']
      await (await subscribed(...session, '-E')).finished()
      for (const text of ['one', 'two']) await mqttKit('pub', url, '-t', 'mail', '-m', text, '-q', '1')
      expect(await mqttKit('sub', url, ...session, '-C', '2', '-W', '10')).toMatchObject({
        exitCode: 0,
        stdout: 'one\ntwo\n',
      })
    })
  })
})
