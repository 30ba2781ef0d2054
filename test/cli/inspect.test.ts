import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { run, shell } from '../support/program.ts'

const PUBLISH = '30 07 00 03 61 2f 78 68 69'
const ESCAPE = '\u001b['

describe('inspect', () => {
  it('shows one packet as a tree with bits', async () => {
    const { exitCode, stdout, stderr } = await run(['inspect', PUBLISH])

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toBe(
      [
        'PUBLISH MQTT 3.1.1, client to server, 9 bytes at offset 0',
        '    0 30                       Packet Type and Flags: PUBLISH',
        '      0011 ....                  Packet Type: 3',
        '      .... 0...                  DUP: 0',
        '      .... .00.                  QoS: 0',
        '      .... ...0                  RETAIN: 0',
        '    1 07                       Remaining Length: 7',
        '    2 00 03 61 2f 78           Topic Name: "a/x"',
        '    7 68 69                    Payload: "hi"',
        '',
      ].join('\n'),
    )
  })

  it('joins arguments that the shell has cut at their spaces', async () => {
    expect(await run(['inspect', ...PUBLISH.split(' ')])).toEqual(await run(['inspect', PUBLISH]))
  })

  it('prints the JSON of the contract', async () => {
    const { stdout } = await run(['inspect', '--json', PUBLISH])
    const { fields, ...rest } = JSON.parse(stdout)

    expect(rest).toEqual({
      type: 'publish',
      version: '3.1.1',
      dir: 'c2s',
      stream: null,
      frame: null,
      time: null,
      offset: 0,
      length: 9,
      issues: [],
      payload: { kind: 'text', value: 'hi' },
    })
    expect(fields[2]).toEqual({ name: 'Topic Name', start: 2, end: 7, raw: '0003612f78', value: 'a/x', text: '"a/x"' })
  })

  it('names a broken rule, where it is, and ends with exit code 11', async () => {
    const { exitCode, stdout } = await run(['inspect', '--mqtt', '3.1.1', '80080001000361787801'])

    expect(exitCode).toBe(11)
    expect(stdout).toContain('\n      ! [MQTT-3.8.1-1] byte 0: flags of SUBSCRIBE are not 0010')
  })

  it('explains one byte', async () => {
    const { stdout } = await run(['inspect', '--byte', '5', PUBLISH])

    expect(stdout).toBe('byte 5 is 0x2f (47): byte 5 of a packet of 9\nTopic Name: "a/x"\n')
  })

  it('reads raw bytes and gzip from stdin', async () => {
    const input = Buffer.from(PUBLISH.replaceAll(' ', ''), 'hex')

    for (const bytes of [input, gzipSync(input)]) {
      expect((await run(['inspect', '-'], { input: bytes })).stdout).toContain('Topic Name: "a/x"')
    }
  })

  it('finds MQTT in a masked WebSocket frame', async () => {
    const frame = '82 82 01 02 03 04 c1 02'
    const { stdout } = await run(['inspect', frame])

    expect(stdout).toMatch(/^PINGREQ MQTT 5\.0/)
  })

  it.each([
    ['the broker is down!', 'text in no notation of bytes'],
    ['16 03 01 02 00 01 00 01 fc 03 03', 'a TLS record'],
    ['47 45 54 20 2f 20 48 54 54 50 2f 31 2e 31', 'HTTP'],
  ])('says what %j is, with exit code 2', async (input, what) => {
    const { exitCode, stdout, stderr } = await run(['inspect', input])

    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toContain(`this is no MQTT; it looks like ${what}`)
  })

  it('uses colour when told to', async () => {
    expect((await run(['inspect', PUBLISH], { environment: { FORCE_COLOR: '1' } })).stdout).toContain(ESCAPE)
    expect((await run(['inspect', PUBLISH])).stdout).not.toContain(ESCAPE)
  })

  it('ends quietly when nobody reads', async () => {
    expect(await shell(`mqtt-kit inspect ${PUBLISH} | true`).finished()).toMatchObject({ exitCode: 0, stderr: '' })
  })
})
