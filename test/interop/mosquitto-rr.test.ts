import { describe, expect, it } from 'vitest'
import { PacketType } from '../../src/codec/packet-type.ts'
import { findPeer, Peer, run as runPeer } from '../support/peers.ts'
import { start } from '../support/program.ts'
import { startBroker } from '../support/test-broker.ts'

const present = findPeer('mosquitto_rr', 'mosquitto_rr', ['--help'])

describe.skipIf(!present)('mosquitto_rr', () => {
  it.each(['mqttv5', 'mqttv311'])('is answered by our responder at %s', async (version) => {
    const { url } = await startBroker()
    const responder = start(['rr', url, '-t', 'ask', '-e', 'answers', '-V', version, '--serve', 'tr a-z A-Z'])
    await responder.says('answering requests')
    const at = ['-h', '127.0.0.1', '-p', new URL(url).port, '-V', version]

    const { exitCode, stdout } = await runPeer(
      'mosquitto_rr',
      ...at,
      ...['-t', 'ask', '-e', 'answers', '-m', 'hello', '-W', '20'],
    )

    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'HELLO\n' })
  })

  it('and our rr, with the same arguments, ask and print the same', async () => {
    const { url, client } = await startBroker()
    const responder = await client()
    await responder.subscribe('ask')
    const args = [
      '-h',
      '127.0.0.1',
      '-p',
      new URL(url).port,
      '-t',
      'ask',
      '-e',
      'answers',
      '-m',
      'hello',
      '-v',
      '-W',
      '20',
    ]
    const outputs: string[] = []
    for (const program of [new Peer('mosquitto_rr', args), start(['rr', ...args])]) {
      const { properties } = (await responder.expect(PacketType.PUBLISH)).message
      expect(properties.responseTopic).toBe('answers')
      const { correlationData } = properties
      responder.publish('answers', 'fine', { properties: correlationData === undefined ? {} : { correlationData } })
      outputs.push((await program.finished()).stdout)
    }

    expect(outputs).toEqual(['answers fine\n', 'answers fine\n'])
  })
})
