import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findPeer, Peer, run } from '../support/peers.ts'
import { start } from '../support/program.ts'
import { startBroker } from '../support/test-broker.ts'

const hasClients = findPeer('mosquitto_pub', 'mosquitto_pub', ['--help'])
const hasTshark = findPeer('tshark', 'tshark', ['--version'])

function capturePath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-proxy-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'out.pcapng')
}

describe.skipIf(!hasClients)('inspect proxy between mosquitto_pub, mosquitto_sub and a broker', () => {
  it.each(['mqttv31', 'mqttv311', 'mqttv5'])(
    'passes messages of every QoS with %s, and shows no fault',
    async (version) => {
      const { url } = await startBroker()
      const path = capturePath()
      const proxy = start(['inspect', 'proxy', '--listen', '0', '--to', url, '--write', path])
      await proxy.says('\n')
      const { port } = new URL(/mqtt:\S+/.exec(proxy.stdout)![0])
      const at = ['-h', '127.0.0.1', '-p', port, '-V', version]
      const subscriber = new Peer('mosquitto_sub', [...at, '-i', 'sub', '-t', 'a/#', '-q', '2', '-C', '3'])
      await proxy.says('SUBACK')
      for (const qos of ['0', '1', '2']) {
        const publisher = await run(
          'mosquitto_pub',
          ...at,
          '-i',
          `pub${qos}`,
          '-t',
          `a/${qos}`,
          '-m',
          `qos ${qos}`,
          '-q',
          qos,
        )
        expect(publisher.exitCode).toBe(0)
      }
      expect(await subscriber.finished()).toMatchObject({ exitCode: 0, stdout: 'qos 0\nqos 1\nqos 2\n' })
      await proxy.says(' closed by', 4)

      proxy.kill('SIGINT')
      const { exitCode, stdout, stderr } = await proxy.finished()
      expect(exitCode).toBe(0)
      expect(stdout).not.toContain('!')
      expect(stderr).not.toMatch(/ (?:error|warning) \[/)
      expect(stdout.match(/PUBCOMP/g)).toHaveLength(2)
      if (hasTshark) expect(await typesByTshark(path)).toEqual(typesOf(stdout))
    },
  )
})

/** Packet types as tshark reads them, all in the order of the capture. */
async function typesByTshark(path: string): Promise<string[]> {
  const { stdout } = await run('tshark', '-r', path, '-Y', 'mqtt', '-T', 'fields', '-e', 'mqtt.msgtype')
  return stdout.trim().split(/[\n,]/)
}

const NAMES =
  ' CONNECT CONNACK PUBLISH PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE SUBACK UNSUBSCRIBE UNSUBACK PINGREQ PINGRESP DISCONNECT AUTH'.split(
    ' ',
  )

function typesOf(stdout: string): string[] {
  const found = [...stdout.matchAll(/(?:->|<-) ([A-Z]+)/g)]
  return found.map(([, name]) => String(NAMES.indexOf(name!)))
}
