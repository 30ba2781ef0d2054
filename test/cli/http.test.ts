import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { run, start } from '../support/program.ts'

const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('serve --http', () => {
  it('names its URL last in the ready line, on loopback, and answers there until the broker ends', async () => {
    const program = start(['serve', '-p', '0', '--http', '0'])
    await program.says('mqtt-kit ready')
    const [, mqtt, http] = /^mqtt-kit ready (mqtt:\S+) (http:\/\/127\.0\.0\.1:[1-9]\d*)\n$/.exec(program.stdout)!

    expect((await run(['pub', mqtt!, '-t', 'a', '-m', 'x', '-q', '1'])).exitCode).toBe(0)
    const metrics = await (await fetch(`${http}/metrics`)).text()
    program.kill('SIGTERM')

    expect(metrics).toContain('\nmqtt_kit_messages_received_total{qos="1"} 1\n')
    expect(metrics).toMatch(/\nmqtt_kit_build_info\{version="mqtt-kit \d+\.\d+\.\d+"\} 1\n/)
    expect(await program.finished()).toMatchObject({ exitCode: 0, stderr: '' })
    await expect(fetch(`${http}/healthz`)).rejects.toThrow('fetch failed')
  })

  it('has a key of its own in the JSON ready line, and may stand in a configuration file', async () => {
    const path = join(folder, 'kit.toml')
    writeFileSync(path, 'port = 0\nhttp = "[::1]:0"\n')
    const program = start(['serve', '--config', path, '--json'])
    await program.says('"ready"')

    const { listeners, http } = JSON.parse(program.stdout)

    expect(listeners).toEqual([expect.stringMatching(/^mqtt:/)])
    expect(http).toMatch(/^http:\/\/\[::1\]:[1-9]\d*$/)
    expect((await fetch(`${http}/readyz`)).status).toBe(200)
  })

  it('has the dashboard and the chat example, and tells the log whom it refuses', async () => {
    const program = start(['serve', '-p', '0', '--http', '0', '-v'])
    await program.says('mqtt-kit ready')
    const url = program.stdout.trim().split(' ').at(-1)!
    const pages = [
      '/',
      '/page.js',
      '/page.css',
      '/icon.svg',
      '/chat/',
      '/chat/chat.js',
      '/chat/chat.css',
      '/chat/mqtt.min.js',
    ]
    const statuses = await Promise.all(pages.map(async (page) => (await fetch(url + page)).status))
    const refused = await run(['pub', `${url.replace('http', 'ws')}/other`, '-t', 'a', '-m', 'x'])

    expect(statuses).toEqual(pages.map(() => 200))
    expect(await (await fetch(url)).text()).toContain('<script type="module" src="page.js">')
    expect(refused.exitCode).toBe(3)
    await program.says('its request for a WebSocket was answered with 404: there is a WebSocket at /mqtt only')
    expect((await run(['pub', `${url.replace('http', 'ws')}/mqtt`, '-t', 'a', '-m', 'x', '-q', '1'])).exitCode).toBe(0)
  })

  it('keeps its pages from other machines unless users have to log in, or it is told that nobody has', async () => {
    const statusOf = async (...options: string[]) => {
      const program = start(['serve', '-p', '0', '--http', '0.0.0.0:0', ...options])
      await program.says('mqtt-kit ready')
      const { port } = new URL(program.stdout.trim().split(' ').at(-1)!)
      const [page, metrics] = await Promise.all(
        ['/', '/metrics'].map((path) => fetch(`http://127.0.0.1:${port}${path}`)),
      )
      return [page!.status, metrics!.status]
    }

    expect(await statusOf()).toEqual([403, 200])
    expect(await statusOf('--user', 'ann:secret')).toEqual([200, 200])
    expect(await statusOf('--allow-anonymous')).toEqual([200, 200])
  })

  it('takes its pages back when a reload leaves nobody who has to log in', async () => {
    const path = join(folder, 'reloaded.toml')
    writeFileSync(path, 'port = 0\nhttp = "0.0.0.0:0"\nuser = "ann:secret"\n')
    const program = start(['serve', '--config', path])
    await program.says('mqtt-kit ready')
    const page = `http://127.0.0.1:${new URL(program.stdout.trim().split(' ').at(-1)!).port}/`
    const before = await fetch(page)
    writeFileSync(path, 'port = 0\nhttp = "0.0.0.0:0"\n')
    program.kill('SIGHUP')
    await program.says('configuration read anew')

    expect([before.status, (await fetch(page)).status]).toEqual([200, 403])
  })

  it('ends with 3 when its port is taken, and the broker ends with it', async () => {
    const first = start(['serve', '-p', '0', '--http', '0'])
    await first.says('mqtt-kit ready')
    const url = first.stdout.trim().split(' ').at(-1)!

    const second = await run(['serve', '-p', '0', '--http', new URL(url).port])

    expect(second).toMatchObject({ exitCode: 3, stdout: '' })
    expect(second.stderr).toContain(`cannot listen on ${url}: address in use (EADDRINUSE)`)
  })

  it.each(['', 'x', '65536', 'host', 'host:', ':9100', '::1:9100', '[host]:9100', 'http://a:9100', 'a@b:1'])(
    'refuses %j',
    async (typed) => {
      const { exitCode, stderr } = await run(['serve', '-p', '0', `--http=${typed}`])

      expect(exitCode).toBe(2)
      expect(stderr).toContain('a port like 9100')
    },
  )
})
