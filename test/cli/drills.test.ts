import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { findPeer } from '../support/peers.ts'
import { Program, start } from '../support/program.ts'
import { startBroker } from '../support/test-broker.ts'

/** MQTT_KIT_DRILL_LINES=1000000 makes it as long as it should be before a release. */
const LINES = Number(process.env['MQTT_KIT_DRILL_LINES'] ?? 50_000)
const TIMEOUT_MS = 120_000
const BINARY = fileURLToPath(new URL('../../bin/mqtt-kit.cjs', import.meta.url))
const hasScript = findPeer('script', 'script', ['--version'])

describe('drill', () => {
  it.each([0, 1, 2])(
    'lines through pub -l | sub arrive whole and in order at QoS %i',
    async (qos) => {
      // with -d the subscriber is slow, and what waits for a slow one at QoS 0 is dropped beyond a bound
      const limits = { maximumQueuedMessages: LINES, maximumQos0QueuedBytes: LINES * 256 }
      const { url } = await startBroker({ limits })
      const subscriber = start(['sub', url, '-t', 'a', '-q', String(qos), '-C', String(LINES), '-d'])
      await subscriber.says('<- SUBACK')
      const input = Array.from({ length: LINES }, (_, i) => `line ${i}\n`).join('')

      const publisher = start(['pub', url, '-t', 'a', '-l', '-q', String(qos)], { input })

      expect(await publisher.finished()).toMatchObject({ exitCode: 0, stderr: '' })
      const { exitCode, stdout } = await subscriber.finished()
      expect(exitCode).toBe(0)
      expect(stdout === input).toBe(true)
    },
    TIMEOUT_MS,
  )

  it.runIf(hasScript)('Ctrl-C in a terminal ends sub with 0, and the tree stays on the screen', async () => {
    const { url, client } = await startBroker()
    // exec: where $SHELL is not set script takes sh, which would get the Ctrl-C too and answer 130 for its child
    const command = `exec '${process.execPath}' '${BINARY}' sub '${url}' -t '#' --tree --interval 50ms`
    const terminal = new Program('script', ['-qefc', command, '/dev/null'], { environment: { TERM: 'xterm' } })
    const publisher = await client()
    await terminal.says('0 messages on 0 topics')
    publisher.publish('home/door', 'open')
    await terminal.says('door')

    terminal.child.stdin!.write('\u0003')

    const { exitCode, stdout } = await terminal.finished()
    expect(exitCode).toBe(0)
    expect(stdout).toContain('\u001b[1A\r\u001b[J')
    expect(stdout.trimEnd().replaceAll('\r', '').split('\n').slice(-2)).toEqual([
      '└─ home (1)',
      expect.stringMatching(/^ {3}└─ door (\* )?\(1\) open$/),
    ])
  })

  it('a broker that comes back is used again by sub and pub', async () => {
    const first = start(['serve', '-p', '0'])
    await first.says('mqtt-kit ready')
    const url = /mqtt:\S+/.exec(first.stdout)![0]
    const subscriber = start(['sub', url, '-t', 'a', '-C', '2', '-d'])
    const publisher = start(['pub', url, '-t', 'a', '-l', '-q', '1', '-d'])
    await subscriber.says('<- SUBACK')
    publisher.child.stdin!.write('before\n')
    await subscriber.says('before')
    // what is not acknowledged when the broker dies is rightly sent again
    await publisher.says('<- PUBACK')
    first.kill('SIGKILL')
    await subscriber.says('next try in')
    await publisher.says('next try in')

    const second = start(['serve', '-p', new URL(url).port])
    await second.says('mqtt-kit ready')
    // CONNACK is not enough: what is published before SUBACK goes to nobody
    await subscriber.says('<- SUBACK', 2)
    await publisher.says('connected again')
    publisher.child.stdin!.end('after\n')

    expect(await publisher.finished()).toMatchObject({ exitCode: 0 })
    expect(await subscriber.finished()).toMatchObject({ exitCode: 0, stdout: 'before\nafter\n' })
  })
})
