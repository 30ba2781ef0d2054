import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findPeer, run } from '../support/peers.ts'
import { run as runOurs, start } from '../support/program.ts'

describe.skipIf(!findPeer('tshark', 'tshark', ['--version']))('serve --trace', () => {
  it('writes what tshark reads as MQTT without being told a port, with checksums that hold', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'out.pcapng')
    const program = start(['serve', '-p', '0', '--ws-port', '0', '--trace', 'client=me', '--write', path])
    await program.says('mqtt-kit ready')
    const [tcp, ws] = program.stdout.trim().split(' ').slice(2)
    for (const [url, id] of [
      [tcp, 'me'],
      [tcp, 'other'],
      [ws, 'me'],
    ]) {
      expect((await runOurs(['pub', url!, '-i', id!, '-t', 'a/b', '-m', 'hello', '-q', '1'])).exitCode).toBe(0)
    }
    program.kill('SIGTERM')
    await program.finished()

    const fields = ['tcp.stream', 'mqtt.msgtype', 'mqtt.topic', 'tcp.checksum.status', 'ip.checksum.status'].flatMap(
      (name) => ['-e', name],
    )
    const checked = ['-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE']
    const { stdout } = await run('tshark', '-r', path, '-Y', 'mqtt', '-T', 'fields', ...fields, ...checked)
    const one = (stream: number) =>
      ['1\t', '2\t', '3\ta/b', '4\t', '14\t'].map((packet) => `${stream}\t${packet}\t1\t1`)
    expect(stdout.trim().split('\n')).toEqual([...one(0), ...one(1)])

    const inspected = await runOurs(['inspect', path, '--view', 'line'])
    expect(inspected.exitCode).toBe(0)
    expect(inspected.stdout).toContain('PUBLISH id=1 qos=1 topic="a/b"')
  })

  it('needs --write, and --write needs it', async () => {
    for (const args of [
      ['--trace', 'client=me'],
      ['--write', 'x'],
    ]) {
      expect(await runOurs(['serve', '-p', '0', ...args])).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('give both'),
      })
    }
  })
})
