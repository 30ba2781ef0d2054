import { describe, expect, it } from 'vitest'
import { reasonCodeAdvice } from '../../src/cli/output/reason-code-advice.ts'
import { reasonCodes } from '../../src/codec/reason-code.ts'
import { run } from '../support/program.ts'

describe('match', () => {
  it('says which names match, with exit code 0 when all do', async () => {
    const outcome = await run(['match', '$share/g/a/#', 'a', 'a/b/c'])

    expect(outcome).toMatchObject({ exitCode: 0, stdout: 'match     a\nmatch     a/b/c\n', stderr: '' })
  })

  it('says why names do not match, with exit code 6', async () => {
    const { exitCode, stdout } = await run(['match', 'a/+/c', 'a/b/c', 'a/b/d', 'a/b', 'a', 'a/b/c/d', 'x'])

    expect(exitCode).toBe(6)
    expect(stdout.trimEnd().split('\n')).toEqual([
      'match     a/b/c',
      'no match  a/b/d: level 3 is "d", not "c"',
      'no match  a/b: it has 2 levels, the filter wants 3 levels',
      'no match  a: it has 1 level, the filter wants 3 levels',
      'no match  a/b/c/d: it has 4 levels, the filter wants 3 levels',
      'no match  x: level 1 is "x", not "a"',
    ])
  })

  it('counts the levels before # as the least', async () => {
    const { stdout } = await run(['match', 'a/+/#', 'a'])

    expect(stdout).toBe('no match  a: it has 1 level, the filter wants 2 or more levels\n')
  })

  it('MQTT-4.7.2-1: a leading wildcard matches no topic that begins with $', async () => {
    const { exitCode, stdout } = await run(['match', '#', '$SYS/uptime'])

    expect(exitCode).toBe(6)
    expect(stdout).toContain('a wildcard on the first level matches no topic that begins with $')
  })

  it.each([
    [['match', 'a'], 'expected a topic filter and topic names'],
    [['match', 'a/#/b', 'a'], '"a/#/b": expected a topic filter: # stands alone on the last level'],
    [['match', 'a', 'b/+'], '"b/+": expected a topic name: the wildcards'],
  ])('%j is a usage error', async (args, text) => {
    expect(await run(args)).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(text) })
  })
})

describe('explain', () => {
  it.each(['0x87', '135', 'not-authorized', 'Not authorized'])('%s: meaning, packets and senders', async (term) => {
    const { exitCode, stdout } = await run(['explain', term])

    expect(exitCode).toBe(0)
    expect(stdout.split('\n')).toEqual([
      '0x87 Not authorized (135), reason code of MQTT 5.0',
      'It is known who the client is, but it may not do this. Look at the access rules of the server.',
      '  CONNACK     sent by the server',
      '  PUBACK      sent by client and server',
      '  PUBREC      sent by client and server',
      '  SUBACK      sent by the server',
      '  UNSUBACK    sent by the server',
      '  DISCONNECT  sent by the server',
      'CONNACK of MQTT 3.1 and 3.1.1 says return code 5 Not authorized.',
      '',
    ])
  })

  it('a packet: senders, codes of all versions, properties', async () => {
    const { stdout } = await run(['explain', 'CONNACK'])

    expect(stdout).toMatch(/^CONNACK, packet type 2, sent by the server\n/)
    expect(stdout).toContain('\n  0x86 Bad User Name or Password\n')
    expect(stdout).toContain('\n  return code 5 Not authorized\n')
    expect(stdout).toContain('\n  0x21 Receive Maximum\n')
    expect(stdout).not.toContain('0x8E')
  })

  it('names who may send a code where that is not who sends the packet', async () => {
    const { stdout } = await run(['explain', 'disconnect'])

    expect(stdout).toContain('\n  0x00 Normal disconnection\n')
    expect(stdout).toContain('\n  0x04 Disconnect with Will Message, sent by the client\n')
    expect(stdout).toContain('\n  0x8E Session taken over, sent by the server\n')
  })

  it('several terms, a property and a return code of 3.1.1', async () => {
    const { stdout } = await run(['explain', 'receive-maximum', '5'])

    expect(stdout).toBe(
      'Receive Maximum, property 0x21 (33) of MQTT 5.0\n' +
        'It is a two byte integer from 1 to 65535.\nIt may stand in CONNECT, CONNACK.\n\n' +
        'return code 5 Not authorized, in CONNACK of MQTT 3.1 and 3.1.1\n' +
        'It is known who the client is, but it may not do this. Look at the access rules of the server.\n' +
        'MQTT 5.0 says 0x87 Not authorized.\n',
    )
  })

  it.each([
    [['explain'], 'what to explain?'],
    [['explain', '0x50'], 'MQTT has no reason code 0x50'],
    [['explain', 'conack'], 'did you mean connack?'],
  ])('%j is a usage error', async (args, text) => {
    expect(await run(args)).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(text) })
  })

  it('has a sentence for every reason code', () => {
    expect([...reasonCodeAdvice.keys()]).toEqual([...reasonCodes])
  })
})
