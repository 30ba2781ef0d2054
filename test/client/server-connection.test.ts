import { describe, expect, it } from 'vitest'
import { ServerConnection, type ServerConnectionOwner } from '../../src/client/server-connection.ts'
import { encodePacket } from '../../src/codec/encoder.ts'
import { Message } from '../../src/codec/message.ts'
import { Connack } from '../../src/codec/packets/connack.ts'
import { Connect } from '../../src/codec/packets/connect.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { FakeTransport } from '../support/fake-transport.ts'
import { TestClientSession } from '../support/test-client-session.ts'

const MIB = 1_048_576

function connection() {
  const transport = new FakeTransport()
  const test = new TestClientSession()
  const told: string[] = []
  const owner: ServerConnectionOwner = {
    notMqtt: (what) => void told.push(`not MQTT: ${what}`),
    violated: ({ violation }) => void told.push(violation),
    ended: () => void told.push('ended'),
    closed: () => void told.push('closed'),
    progressed: () => {},
  }
  const version = ProtocolVersion.V5
  const connect = new Connect({ version, clientId: 'id', cleanStart: true, keepAliveSeconds: 0 })
  const made = new ServerConnection(transport, test.session, connect, owner, null)
  made.start()
  test.session.connect(made, connect)
  const accept = (): void => {
    made.data(encodePacket(new Connack(false, 0), version))
    made.accepted()
  }
  const publish = (byteCount: number): void => {
    test.session.publish(Message.create('t', Buffer.alloc(byteCount)), 'token', 0)
  }
  return { connection: made, session: test.session, transport, told, accept, publish }
}

describe('ServerConnection, before CONNACK', () => {
  it('says at the end, or when time is up, that what came was no MQTT', () => {
    const { connection: made, told } = connection()
    made.data(Buffer.from('HT'))

    expect(told).toEqual([])
    expect(made.tellUndecided()).toBe(true)
    expect(told).toEqual(['not MQTT: the bytes 48 54'])
  })

  it('has nothing to say when nothing came', () => {
    const { connection: made, told } = connection()

    expect([made.tellUndecided(), told]).toEqual([false, []])
    made.ended()
    expect(told).toEqual(['ended'])
  })

  it('takes malformed bytes after CONNACK for a broken Server, however they look', () => {
    const { connection: made, told, accept } = connection()
    accept()
    made.data(Buffer.from('HTTP/1.1'))

    expect(told).toEqual(['FLAGS_INVALID'])
  })
})

describe('ServerConnection, output', () => {
  it('is not full of bytes that the kernel would take: nobody would tell when it has', () => {
    const { connection: made, session, transport, accept, publish } = connection()
    accept()
    publish(2 * MIB)
    publish(10)

    expect([made.full, session.queuedBytes, made.pendingBytes]).toEqual([false, 0, expect.any(Number)])
    expect(transport.taken.length).toBeGreaterThan(2 * MIB)
  })

  it('has messages wait in the session while the kernel is behind, and sends them when it is not', () => {
    const { connection: made, session, transport, accept, publish } = connection()
    accept()
    transport.roomBytes = MIB
    for (let i = 0; i < 40; i++) publish(100_000)
    expect([made.full, session.queuedBytes > 0, made.pendingBytes > MIB]).toEqual([true, true, true])

    for (let i = 0; i < 10 && session.queuedBytes > 0; i++) {
      transport.makeRoom(MIB)
      made.drained()
    }
    transport.makeRoom(10 * MIB)
    made.drained()
    made.settle()
    expect(session.queuedBytes).toBe(0)
    // 40 payloads, and what is around them
    expect(transport.taken.length).toBeGreaterThan(40 * 100_000)
  })

  it('ignores what comes after it was ended, and writes what it had first', () => {
    const { connection: made, session, transport, accept, publish, told } = connection()
    accept()
    publish(3)
    session.disconnect(0, {})
    made.end()
    made.data(Buffer.from('ff', 'hex'))

    expect(transport.taken.subarray(-9).toString('hex')).toBe('000174000000' + '00' + 'e000')
    expect([transport.isEnded, told]).toEqual([true, []])
  })
})
