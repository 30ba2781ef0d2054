import { describe, expect, it } from 'vitest'
import { run } from '../support/program.ts'

const CONNECT = '10 0d 00 04 4d 51 54 54 04 02 00 3c 00 01 63'
const FIRST = `${CONNECT} 30 05 00 03 61 2f 62 c0 00`
const SECOND = `${CONNECT} 31 07 00 03 61 2f 63 68 69 e0 00`

describe('inspect diff', () => {
  it('shows packets and fields that differ, and ends with exit code 11', async () => {
    const { exitCode, stdout, stderr } = await run(['inspect', 'diff', FIRST, SECOND])

    expect({ exitCode, stderr }).toEqual({ exitCode: 11, stderr: '' })
    expect(stdout).toBe(
      [
        'packet 2 of A, packet 2 of B: c2s PUBLISH differs',
        '    0 Packet Type and Flags: RETAIN 0 -> 1',
        '    1 Remaining Length: 5 -> 7',
        '    2 Topic Name: "a/b" -> "a/c"',
        '    7 Payload: only in B: "hi"',
        'only in A, packet 3: c2s PINGREQ, 2 B',
        'only in B, packet 3: c2s DISCONNECT, 2 B',
        '1 packet is equal, 1 differs, 1 only in A, 1 only in B',
        '',
      ].join('\n'),
    )
  })

  it('ends with exit code 0 when the inputs are equal, in whatever notation', async () => {
    const raw = Buffer.from(FIRST.replaceAll(' ', ''), 'hex')
    const { exitCode, stdout } = await run(['inspect', 'diff', FIRST, '-'], { input: raw })

    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '3 packets are equal\n' })
    expect(await run(['inspect', 'diff', '--json', FIRST, FIRST])).toMatchObject({ exitCode: 0, stdout: '' })
  })

  it('prints a JSON object per packet that differs', async () => {
    const { exitCode, stdout } = await run(['inspect', 'diff', '--json', FIRST, SECOND])
    const [changed, ...others] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))

    expect(exitCode).toBe(11)
    expect(changed).toMatchObject({
      difference: 'changed',
      a: { packet: 2, type: 'publish', version: '3.1.1', dir: 'c2s', stream: null, frame: null, offset: 15, length: 7 },
      b: { packet: 2, length: 9 },
    })
    expect(changed.fields[2]).toEqual({
      difference: 'changed',
      name: 'Topic Name',
      a: { name: 'Topic Name', start: 2, end: 7, raw: '0003612f62', value: 'a/b', text: '"a/b"' },
      b: { name: 'Topic Name', start: 2, end: 7, raw: '0003612f63', value: 'a/c', text: '"a/c"' },
    })
    expect(changed.fields[3]).toMatchObject({ difference: 'added', name: 'Payload', a: null })
    expect(others).toMatchObject([
      { difference: 'missing', a: { type: 'pingreq' }, b: null, fields: [] },
      { difference: 'added', a: null, b: { type: 'disconnect' } },
    ])
  })

  it('shows the place where long values differ, and bytes where the values are the same', async () => {
    const long = 'x'.repeat(100)
    const publish = (payload: string): string =>
      Buffer.concat([Buffer.from([0x30, 3 + payload.length, 0, 1, 0x61]), Buffer.from(payload)]).toString('hex')
    const { stdout } = await run([
      'inspect',
      'diff',
      publish(`${long}a${long}`.slice(0, 120)),
      publish(`${long}b${long}`.slice(0, 120)),
    ])

    expect(stdout).toMatch(/Payload: "?\.\.\.x+ax+" -> \.\.\.x+bx+"/)
    expect((await run(['inspect', 'diff', 'c000', 'c08000'])).stdout).toContain('Remaining Length: 0 (00) -> 0 (8000)')
  })

  it('says when the inputs were read as different versions', async () => {
    const { stdout } = await run(['inspect', 'diff', '30 05 00 01 61 00 78', '30 04 00 01 61 78'])

    expect(stdout).toContain('      read as MQTT 5.0 and as 3.1.1; --mqtt decides\n')
  })

  it('leaves out what a filter leaves out', async () => {
    const { exitCode, stdout } = await run(['inspect', 'diff', '--filter', '!pingreq', FIRST, `${FIRST} c0 00`])

    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '2 packets are equal\n' })
  })

  it.each([
    [['c000'], 'two inputs are expected'],
    [['c000', 'c000', 'c000'], 'bytes with spaces need quotes'],
    [['-', '-'], 'only one of the inputs can be standard input'],
    [['c000', 'the broker is down!'], 'B: this is no MQTT'],
    [['the broker is down!', 'c000'], 'A: this is no MQTT'],
  ])('refuses %j', async (operands, message) => {
    const { exitCode, stdout, stderr } = await run(['inspect', 'diff', ...operands])

    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toContain(message)
  })
})
