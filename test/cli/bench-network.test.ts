import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { run, start } from '../support/program.ts'
import { startBroker } from '../support/test-broker.ts'

const MANY_PROGRAMS_MS = 60_000

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

describe('bench', () => {
  it(
    'runs over every transport',
    async () => {
      const folder = temporaryFolder()
      const unix = `unix:${join(folder, 's')}`
      const listeners = ['--ws-port', '0', '--tls-dev', '--tls-port', '0', '--wss-port', '0', '--listen', unix]
      const environment = { XDG_DATA_HOME: folder }
      const serve = start(['serve', '-p', '0', ...listeners, '--json'], { environment })
      await serve.says('"event":"ready"')
      const urls: string[] = JSON.parse(serve.stdout).listeners
      const ca = ['--ca', join(folder, 'mqtt-kit/tls-dev/ca.crt')]
      expect(urls.map((url) => url.split(':')[0]).toSorted()).toEqual(['mqtt', 'mqtts', 'unix', 'ws', 'wss'])
      for (const url of urls) {
        const isSecure = /^(?:mqtts|wss):/.test(url)
        const args = ['bench', url, ...(isSecure ? ca : []), '-c', '2', '-n', '100', '-q', '1', '--json', '--quiet']
        const { exitCode, stdout } = await run(args)

        expect({ url, exitCode }).toEqual({ url, exitCode: 0 })
        expect(JSON.parse(stdout)).toMatchObject({ connect: { count: 4 }, deliver: { count: 100, lost: 0 } })
        if (isSecure) expect((await run(args.filter((one) => !ca.includes(one)))).exitCode).toBe(8)
      }
    },
    MANY_PROGRAMS_MS,
  )

  it.skipIf(process.platform !== 'linux')('comes from --source-address in turn', async () => {
    const { url, events } = await startBroker()
    const addresses = ['127.0.0.2', '127.0.0.3']
    const conn = ['conn', '-c', '4', '--duration', '10ms', '--warmup', '0', '--quiet']
    expect((await run(['bench', url, ...conn, '--source-address', addresses.join(',')])).exitCode).toBe(0)
    const peers = events.flatMap((event) => (event.event === 'connect' ? [event.remoteAddress ?? ''] : []))

    for (const address of addresses) expect(peers.filter((peer) => peer.includes(address))).toHaveLength(2)
  })

  it(
    'shows the pauses of a broker in the response latency',
    async () => {
      const { url } = await startBroker()
      const pausing = start([
        'inspect',
        'proxy',
        '--listen',
        '0',
        '--to',
        url,
        '--pause',
        '300ms',
        '--pause-every',
        '600ms',
      ])
      await pausing.says('\n')
      const [, slow = ''] = /ready (\S+)/.exec(pausing.stdout)!
      const load = ['-c', '1', '--rate', '200', '--duration', '2s', '--warmup', '0', '--json', '--quiet']
      const { exitCode, stdout } = await run(['bench', slow, ...load])

      expect(exitCode).toBe(0)
      const { response } = JSON.parse(stdout).latency
      expect(response.maxMs).toBeGreaterThan(250)
      // not one message alone, but all that were due meanwhile
      expect(response.p90Ms).toBeGreaterThan(100)
    },
    MANY_PROGRAMS_MS,
  )

  it(
    'catches a broker that drops 1 message in 10,000',
    async () => {
      const { url } = await startBroker()
      const faults = ['--drop', 'publish:s2c:0.0001', '--seed', '1']
      const dropping = start(['inspect', 'proxy', '--listen', '0', '--to', url, ...faults])
      await dropping.says('\n')
      const [, leaky = ''] = /ready (\S+)/.exec(dropping.stdout)!
      const { exitCode, stdout, stderr } = await run(['bench', leaky, '-c', '1', '-n', '40000', '--json'])
      dropping.kill('SIGINT')
      const [, dropped = 'none'] = /dropped (\d+) PUBLISH/.exec((await dropping.finished()).stderr) ?? []

      expect(exitCode).toBe(99)
      expect(JSON.parse(stdout).deliver).toMatchObject({ expected: 40_000, lost: Number(dropped), outOfOrder: 0 })
      expect(stderr).toContain(`${dropped} of 40,000 messages were lost`)
    },
    MANY_PROGRAMS_MS,
  )
})
