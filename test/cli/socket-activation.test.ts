import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { run } from '../support/program.ts'

const BINARY = fileURLToPath(new URL('../../bin/mqtt-kit.cjs', import.meta.url))

async function opened(where: { port: number; host: string } | { path: string }): Promise<net.Server> {
  const server = net.createServer().listen(where)
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return server
}

// Node gives the number away to nobody else.
function descriptorOf(server: net.Server): number {
  return (server as unknown as { _handle: { fd: number } })._handle.fd
}

/** Starts `serve` as systemd does: its sockets are descriptors 3, 4 ..., and LISTEN_PID is its own id. */
function activate(sockets: readonly net.Server[], names: string, args: readonly string[]) {
  const line = `LISTEN_PID=$$ LISTEN_FDS=${sockets.length} LISTEN_FDNAMES=${names} exec "$0" "$@"`
  const child = spawn('sh', ['-c', line, process.execPath, BINARY, 'serve', ...args], {
    stdio: ['ignore', 'pipe', 'pipe', ...sockets.map(descriptorOf)],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  // from here on the child alone takes connections; closing would remove the file of a unix socket
  for (const socket of sockets) {
    const path = socket.address()
    if (typeof path === 'string') renameSync(path, `${path}.kept`)
    socket.close()
    if (typeof path === 'string') renameSync(`${path}.kept`, path)
  }
  return child
}

describe.skipIf(process.platform === 'win32')('socket activation', () => {
  it('listens on the sockets that are handed over, each with what its name says', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-fds-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const path = join(folder, 'socket')
    const anyPort = { port: 0, host: '127.0.0.1' }
    const sockets = [await opened(anyPort), await opened(anyPort), await opened({ path })]
    const [tcp, ws] = sockets.map((socket) => (socket.address() as net.AddressInfo).port)
    const child = activate(sockets, 'mqtt:ws:other', ['--allow-anonymous'])
    const [ready] = await once(child.stdout!, 'data')

    expect(String(ready)).toBe(`mqtt-kit ready mqtt://127.0.0.1:${tcp} ws://127.0.0.1:${ws}/mqtt unix:${path}\n`)
    for (const url of [`mqtt://127.0.0.1:${tcp}`, `ws://127.0.0.1:${ws}/mqtt`, `unix:${path}`]) {
      expect(await run(['pub', url, '-t', 'a', '-m', 'x', '-q', '1'])).toMatchObject({ exitCode: 0, stderr: '' })
    }
    child.kill('SIGTERM')
    expect((await once(child, 'exit'))[0]).toBe(0)
  })

  it('wants to know who may connect, for the sockets may be open to all', async () => {
    const child = activate([await opened({ port: 0, host: '127.0.0.1' })], '', [])
    const [said] = await once(child.stderr!, 'data')

    expect(String(said)).toContain('LISTEN_FDS')
    expect((await once(child, 'exit'))[0]).toBe(2)
  })

  it('leaves sockets alone that were meant for another process', async () => {
    const outcome = await run(['serve', '-p', '0', '--check-config'], {
      environment: { LISTEN_PID: '1', LISTEN_FDS: '1' },
    })
    expect(outcome).toMatchObject({ exitCode: 0 })
  })
})
