import { createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { PacketType } from '../../src/codec/packet-type.ts'
import { Acknowledgement } from '../../src/codec/packets/acknowledgement.ts'
import { Connack } from '../../src/codec/packets/connack.ts'
import { Disconnect } from '../../src/codec/packets/disconnect.ts'
import { Suback } from '../../src/codec/packets/suback.ts'
import type { Properties } from '../../src/codec/property.ts'
import { ReasonCode } from '../../src/codec/reason-code.ts'
import { formatAddress } from '../../src/transport/address.ts'
import { type Program, run, start } from '../support/program.ts'
import { ScriptedBroker, type ScriptedPeer } from '../support/scripted-broker.ts'
import { startBroker } from '../support/test-broker.ts'

async function scripted(): Promise<{ broker: ScriptedBroker; url: string }> {
  const broker = await ScriptedBroker.start()
  onTestFinished(() => broker.stop())
  return { broker, url: formatAddress(broker.address) }
}

/** `sub -t a` that is connected to a scripted broker and subscribed. */
async function subscribed(
  ...args: string[]
): Promise<{ peer: ScriptedPeer; program: Program; broker: ScriptedBroker }> {
  const { broker, url } = await scripted()
  const program = start(['sub', url, '-t', 'a', ...args])
  const peer = await broker.accept()
  const { packetId } = await peer.expect(PacketType.SUBSCRIBE)
  peer.send(new Suback(packetId, [0]))
  return { peer, program, broker }
}

/** `pub -t a -m x` whose PUBLISH has come to a scripted broker. */
async function published(...args: string[]): Promise<{ peer: ScriptedPeer; program: Program; packetId: number }> {
  const { broker, url } = await scripted()
  const program = start(['pub', url, '-t', 'a', '-m', 'x', ...args])
  const peer = await broker.accept()
  const { packetId } = await peer.expect(PacketType.PUBLISH)
  return { peer, program, packetId }
}

/** A port where nobody listens. */
async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return String(typeof address === 'object' && address !== null ? address.port : 0)
}

async function expectEnd(program: Program, exitCode: number, stderr: RegExp): Promise<void> {
  const outcome = await program.finished()
  expect(outcome.stderr).toMatch(stderr)
  expect(outcome).toMatchObject({ exitCode, stdout: '' })
}

describe('exit code 3', () => {
  it.each(['pub', 'sub'])('comes from %s when nobody listens', async (command) => {
    const port = await freePort()
    const args = command === 'pub' ? ['-m', 'x'] : []

    const { exitCode, stdout, stderr } = await run([command, '-h', '127.0.0.1', '-p', port, '-t', 'a', ...args])

    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' })
    expect(stderr).toBe(
      `mqtt-kit ${command}: cannot connect to mqtt://127.0.0.1:${port}: connection refused (ECONNREFUSED): is a broker running there?\n`,
    )
  })

  it('comes when there is no such host', async () => {
    const { exitCode, stderr } = await run(['pub', '-h', 'host.invalid', '-t', 'a', '-m', 'x'])

    expect(exitCode).toBe(3)
    expect(stderr).toMatch(/^mqtt-kit pub: cannot connect to mqtt:\/\/host\.invalid:1883: /)
  })

  it('comes when there is no CONNACK in time', async () => {
    const { broker, url } = await scripted()
    const program = start(['pub', url, '-t', 'a', '-m', 'x', '--connect-timeout', '100ms'])
    await broker.connection()

    await expectEnd(program, 3, /^mqtt-kit pub: mqtt:\S+ sends no CONNACK in time\n$/)
  })

  it('comes when the connection ends before CONNACK', async () => {
    const { broker, url } = await scripted()
    const program = start(['sub', url, '-t', 'a'])
    const peer = await broker.connection()
    await peer.expect(PacketType.CONNECT)
    peer.end()

    await expectEnd(program, 3, /^mqtt-kit sub: mqtt:\S+ closed the connection before CONNACK\n$/)
  })
})

describe('exit code 5', () => {
  it('comes with the name of the reason code and what the broker says', async () => {
    const { broker, url } = await scripted()
    const program = start(['pub', url, '-t', 'a', '-m', 'x'])
    const peer = await broker.connection()
    await peer.expect(PacketType.CONNECT)
    peer.send(new Connack(false, ReasonCode.BANNED, { reasonString: 'too\u001b[31m loud' }))

    await expectEnd(
      program,
      5,
      /^mqtt-kit pub: mqtt:\S+: the server refuses the connection: 0x8A Banned \("too\\u001b\[31m loud"\)\n$/,
    )
  })

  it('comes with a return code at 3.1.1', async () => {
    const { broker, url } = await scripted()
    const program = start(['sub', url, '-t', 'a', '-V', '3.1.1'])
    const peer = await broker.connection()
    await peer.expect(PacketType.CONNECT)
    peer.send(new Connack(false, 4))

    await expectEnd(program, 5, /return code 4 Bad user name or password; check user name and password/)
  })

  it('comes when the version is refused and was asked for', async () => {
    const { broker, url } = await scripted()
    const program = start(['pub', url, '-t', 'a', '-m', 'x', '-V', '5'])
    const peer = await broker.connection()
    await peer.expect(PacketType.CONNECT)
    peer.sendBytes('20 02 00 01')

    await expectEnd(program, 5, /return code 1 Unacceptable protocol version; try another version with -V\n$/)
    expect(broker.connectionCount).toBe(1)
  })
})

it('a broker that does not know 5.0 is asked once more at 3.1.1, and that is told', async () => {
  const { broker, url } = await scripted()
  const program = start(['pub', url, '-t', 'a', '-m', 'x'])
  const first = await broker.connection()
  await first.expect(PacketType.CONNECT)
  first.sendBytes('20 02 00 01')
  const second = await broker.accept()
  await second.expect(PacketType.PUBLISH)

  expect(second.version).toBe(4)
  await expectEnd(program, 0, /^mqtt-kit pub: mqtt:\S+ does not speak MQTT 5\.0; going on with 3\.1\.1 .*\n$/)
})

describe('exit code 6', () => {
  async function answered(codes: number[], ...args: string[]): Promise<{ program: Program; peer: ScriptedPeer }> {
    const { broker, url } = await scripted()
    const program = start(['sub', url, '-t', 'a', '-t', 'b/#', ...args])
    const peer = await broker.accept()
    const { packetId } = await peer.expect(PacketType.SUBSCRIBE)
    peer.send(new Suback(packetId, codes, { reasonString: 'not yours' }))
    return { program, peer }
  }

  it('comes when no filter is granted', async () => {
    const { program } = await answered([ReasonCode.NOT_AUTHORIZED, ReasonCode.QUOTA_EXCEEDED])

    await expectEnd(
      program,
      6,
      /^mqtt-kit sub: mqtt:\S+ refused SUBSCRIBE to "a": 0x87 Not authorized, "b\/#": 0x97 Quota exceeded \("not yours"\)\n$/,
    )
  })

  it('does not come when one is granted: the refused ones are told', async () => {
    const { program } = await answered([0, ReasonCode.NOT_AUTHORIZED], '-E')

    await expectEnd(
      program,
      0,
      /refused SUBSCRIBE to "b\/#": 0x87 Not authorized \("not yours"\); going on with the others\n$/,
    )
  })
})

describe('exit code 7', () => {
  it('comes when the connection is lost and is not to be made again', async () => {
    const { peer, program } = await subscribed('--no-reconnect')
    peer.end()

    await expectEnd(program, 7, /^mqtt-kit sub: mqtt:\S+ closed the connection\n$/)
  })

  it('comes when another client takes the session over, without trying again', async () => {
    const { peer, program, broker } = await subscribed()
    peer.send(new Disconnect(ReasonCode.SESSION_TAKEN_OVER))

    await expectEnd(program, 7, /0x8E Session taken over; another client uses the same client id\n$/)
    expect(broker.connectionCount).toBe(1)
  })

  it('comes when reconnecting fails as often as --max-reconnect says, with a line for each change', async () => {
    const { peer, program, broker } = await subscribed('--max-reconnect', '1')
    const stopped = broker.stop()
    peer.reset()
    await stopped

    const { exitCode, stderr } = await program.finished()
    expect(exitCode).toBe(7)
    expect(stderr).toMatch(
      /^mqtt-kit sub: mqtt:\S+ .*; next try in \d\.\d s\nmqtt-kit sub: the connection is lost for good: cannot connect to .*\n$/,
    )
  })
})

it('a lost connection is made again, and that is told', async () => {
  const { peer, program, broker } = await subscribed('-C', '1')
  peer.end()
  const second = await broker.accept()
  const { packetId } = await second.expect(PacketType.SUBSCRIBE)
  second.send(new Suback(packetId, [0]))
  second.sendBytes('30 05 00 01 61 00 78')

  const { exitCode, stdout, stderr } = await program.finished()
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'x\n' })
  expect(stderr).toMatch(/closed the connection; next try in \d\.\d s\nmqtt-kit sub: connected again to mqtt:\S+\n$/)
})

describe('exit code 9', () => {
  const notAuthorized = (reasonString?: string): [number, Properties] => [
    ReasonCode.NOT_AUTHORIZED,
    reasonString === undefined ? {} : { reasonString },
  ]

  it('comes when PUBACK refuses', async () => {
    const { peer, program, packetId } = await published('-q', '1')
    peer.send(new Acknowledgement(PacketType.PUBACK, packetId, ...notAuthorized('read only')))

    await expectEnd(
      program,
      9,
      /^mqtt-kit pub: mqtt:\S+ refused PUBLISH to "a": 0x87 Not authorized \("read only"\)\n$/,
    )
  })

  it('comes when PUBREC refuses', async () => {
    const { peer, program, packetId } = await published('-q', '2')
    peer.send(new Acknowledgement(PacketType.PUBREC, packetId, ...notAuthorized()))

    await expectEnd(program, 9, /refused PUBLISH to "a": 0x87 Not authorized\n$/)
  })

  it('does not come for 0x10, no matching subscribers', async () => {
    const { peer, program, packetId } = await published('-q', '1')
    peer.send(new Acknowledgement(PacketType.PUBACK, packetId, ReasonCode.NO_MATCHING_SUBSCRIBERS))

    await expectEnd(program, 0, /^$/)
  })

  it('comes with a count when one of many lines is refused', async () => {
    const { broker, url } = await scripted()
    const program = start(['pub', url, '-t', 'a', '-l', '-q', '1'], { input: 'one\ntwo\nthree\n' })
    const peer = await broker.accept()
    for (const reasonCode of [0, ReasonCode.QUOTA_EXCEEDED, 0]) {
      const { packetId } = await peer.expect(PacketType.PUBLISH)
      peer.send(new Acknowledgement(PacketType.PUBACK, packetId, reasonCode))
    }

    await expectEnd(program, 9, /1 of 3 messages were not taken: .* refused PUBLISH to "a": 0x97 Quota exceeded\n$/)
  })

  it('comes when the connection ends before the acknowledgement', async () => {
    const { peer, program } = await published('-q', '1')
    peer.end()

    await expectEnd(program, 9, /^mqtt-kit pub: 1 message was never acknowledged: mqtt:\S+ closed the connection\n$/)
  })

  it('comes when the message is larger than the broker takes', async () => {
    const { broker, url } = await scripted()
    const program = start(['pub', url, '-t', 'a', '-m', 'x'.repeat(100)])
    await broker.accept({ maximumPacketBytes: 50 })

    await expectEnd(program, 9, /0x95 Packet too large/)
  })
})

describe('exit code 10', () => {
  it('comes when a web server answers', async () => {
    const { broker, url } = await scripted()
    const program = start(['pub', url, '-t', 'a', '-m', 'x'])
    const peer = await broker.connection()
    peer.sendBytes(Buffer.from('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'))
    peer.end()

    await expectEnd(program, 10, /^mqtt-kit pub: mqtt:\S+ does not speak MQTT: it answers with HTTP; .*\n$/)
  })

  it('comes with the statement when the broker breaks a rule', async () => {
    const { peer, program } = await subscribed()
    // PUBLISH with QoS 3
    peer.sendBytes('36 05 00 01 61 00 78')

    await expectEnd(
      program,
      10,
      /^mqtt-kit sub: mqtt:\S+: the server broke the protocol: PUBLISH: .*MQTT-3\.3\.1-4.*\n$/,
    )
  })
})

describe('exit code 27', () => {
  it('comes when -W is over before the messages came', async () => {
    const { url } = await startBroker()
    const program = start(['sub', url, '-t', 'a', '-W', '1', '-C', '2'])

    // the time counts from the start of the process, which may be slow
    await expectEnd(program, 27, /^mqtt-kit sub: timeout after 1 s: (0 of 2 messages came|.* has not answered yet)\n$/)
  })

  it('comes when -W is over before the acknowledgement', async () => {
    const { broker, url } = await scripted()
    const program = start(['pub', url, '-t', 'a', '-m', 'x', '-q', '1', '-W', '1'])
    broker.accept().catch(() => {})

    await expectEnd(program, 27, /^mqtt-kit pub: timeout after 1 s: 0 of [01] messages are published\n$/)
  })

  it('comes when -W is over before stdin has ended', async () => {
    const program = start(['pub', '-t', 'a', '-s', '-W', '0.3'])

    await expectEnd(program, 27, /^mqtt-kit pub: timeout after 0\.3 s: the payload has not come\n$/)
  })

  it('comes when -W is over before CONNACK', async () => {
    const { broker, url } = await scripted()
    const program = start(['sub', url, '-t', 'a', '-W', '300ms'])
    await broker.connection()

    await expectEnd(program, 27, /^mqtt-kit sub: timeout after 0\.3 s: mqtt:\S+ has not answered yet\n$/)
  })
})

describe('exit codes 130 and 143', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('come when %s interrupts a publication', async (signal, exitCode) => {
    const { program } = await published('-q', '1')
    program.kill(signal)

    await expectEnd(program, exitCode, /^$/)
  })

  it('come when messages that -C asked for are missing', async () => {
    const { url } = await startBroker()
    const program = start(['sub', url, '-t', 'a', '-C', '1', '-d'])
    await program.says('SUBACK')
    program.kill('SIGINT')

    expect((await program.finished()).exitCode).toBe(130)
  })
})

it('--quiet says nothing, and the exit code tells', async () => {
  const port = await freePort()

  const outcome = await run(['pub', '-h', '127.0.0.1', '-p', port, '-t', 'a', '-m', 'x', '--quiet'])

  expect(outcome).toMatchObject({ exitCode: 3, stdout: '', stderr: '' })
})
