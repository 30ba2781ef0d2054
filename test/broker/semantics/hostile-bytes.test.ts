import { describe, expect, it } from 'vitest'
import type { AnyPacket } from '../../../src/codec/control-packet.ts'
import { encodePacket } from '../../../src/codec/encoder.ts'
import { Message } from '../../../src/codec/message.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { Acknowledgement } from '../../../src/codec/packets/acknowledgement.ts'
import { Auth } from '../../../src/codec/packets/auth.ts'
import { Disconnect } from '../../../src/codec/packets/disconnect.ts'
import { PINGREQ } from '../../../src/codec/packets/ping.ts'
import { Publish } from '../../../src/codec/packets/publish.ts'
import { Subscribe } from '../../../src/codec/packets/subscribe.ts'
import { Unsubscribe } from '../../../src/codec/packets/unsubscribe.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { fuzzCases, fuzzSeed, Random } from '../../support/random.ts'
import { connectPacket } from '../../support/raw-client.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION } from '../../support/versions.ts'
import { willOf } from '../../support/will.ts'

const { V5 } = ProtocolVersion

describe.each(EACH_VERSION)('bytes from anybody, in MQTT %s', (name, version) => {
  const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
  const message = Message.create('a/b', 'payload', { qos: 2, retain: true })
  const packets: readonly AnyPacket[] = [
    connectPacket({ version, clientId: 'mutant', userName: 'u', password: Buffer.from('p'), will: willOf('w', 'x') }),
    new Publish(message, 0, false, 0),
    new Publish(message, 1, false, 1),
    new Publish(message, 2, false, 2),
    new Acknowledgement(PacketType.PUBACK, 1),
    new Acknowledgement(PacketType.PUBREC, 2),
    new Acknowledgement(PacketType.PUBREL, 2),
    new Acknowledgement(PacketType.PUBCOMP, 2),
    new Subscribe(3, [{ topicFilter: '#', qos: 2, ...options }]),
    new Subscribe(4, [{ topicFilter: '$share/g/+/b', qos: 1, ...options }]),
    new Unsubscribe(5, ['#', 'x']),
    PINGREQ,
    new Disconnect(0),
    ...(version === V5 ? [new Auth(0x18, { authenticationMethod: 'm' })] : []),
  ]
  const valid = packets.map((packet) => encodePacket(packet, version))

  /** Packets one after another, some of them broken: bytes changed, left out, put in, or cut off. */
  function hostile(random: Random): Buffer {
    const parts: Buffer[] = []
    for (let i = random.between(1, 6); i > 0; i--) {
      const bytes = Buffer.from(random.pick(valid))
      for (let j = random.below(3); j > 0; j--) bytes[random.below(bytes.length)] = random.below(256)
      if (random.oneIn(6)) parts.push(bytes.subarray(0, random.below(bytes.length)))
      else parts.push(bytes)
      if (random.oneIn(8)) parts.push(random.bytes(random.between(1, 20)))
    }
    return Buffer.concat(parts)
  }

  it('L-10 end connections, and neither the broker nor its other clients', async () => {
    const random = new Random(fuzzSeed(`hostile bytes ${name}`))
    const { broker, client, open } = await startBroker()
    const bystander = await client({ clientId: 'bystander' })
    await bystander.subscribe('bystander')
    for (let i = fuzzCases(150); i > 0; i--) {
      const attacker = random.oneIn(3) ? await open(version) : await client({ version, clientId: `attacker${i}` })
      attacker.sendBytes(random.oneIn(10) ? random.bytes(random.between(1, 100)) : hostile(random))
      // what the broker answered was decoded, and would have failed here if it were wrong
      await attacker.end()
      if (random.oneIn(10)) {
        bystander.publish('bystander', 'still here')
        expect((await bystander.message()).payload).toBe('still here')
      }
    }
    await bystander.quiet()
    const fresh = await client({ version })
    await fresh.subscribe({ topicFilter: 'fresh', qos: 2 })
    await bystander.publishAndWait('fresh', 'x', { qos: 1 })
    expect(await fresh.message()).toMatchObject({ topic: 'fresh', payload: 'x', qos: 1 })
    expect(broker.gauges.clientsConnected).toBe(2)
  })
})
