import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { HttpServer } from '../../src/insight/http-server.ts'
import { probeMetrics, probeProcess, probeSys } from '../../src/load/broker-probe.ts'
import { parseAddress } from '../../src/transport/address.ts'
import { startBroker } from '../support/test-broker.ts'

/** Pages that are given one after the other, the last again and again; null: no answer but 404. */
async function pages(...texts: (string | null)[]): Promise<{ url: URL; asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.headers.authorization ?? '')
    const text = texts.length > 1 ? texts.shift()! : texts[0]!
    response.writeHead(text === null ? 404 : 200).end(text ?? '')
  })
  onTestFinished(() => void server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: new URL(`http://ann:s%40@127.0.0.1:${(server.address() as AddressInfo).port}/metrics`), asked }
}

describe('a page of metrics', () => {
  it('gives processors between start and end, and memory', async () => {
    const page = (cpu: number) =>
      `# TYPE x gauge\nprocess_cpu_seconds_total{job="x"} ${cpu}\nprocess_resident_memory_bytes 2.097152e+06\n`
    const { url, asked } = await pages(page(1), page(2), page(1e6))
    const probe = await probeMetrics(url)
    probe.start()
    const { cpu, ...others } = await probe.read()

    expect(cpu).toBeGreaterThan(1000)
    expect(others).toEqual({ residentMb: 2, heapMb: null, source: `http://${url.host}/metrics` })
    expect(asked[0]).toBe(`Basic ${Buffer.from('ann:s@').toString('base64')}`)
  })

  it('is what serve has', async () => {
    const { broker } = await startBroker()
    const http = await HttpServer.open({ host: '127.0.0.1', port: 0 }, broker, () => {})
    onTestFinished(() => http.close())
    const probe = await probeMetrics(new URL(`${http.url}/metrics`))
    const { cpu, residentMb } = await probe.read()

    expect(cpu).toBeGreaterThanOrEqual(0)
    expect(residentMb).toBeCloseTo(process.memoryUsage.rss() / 1_048_576, -2)
  })

  it('that is gone at the end leaves nothing known', async () => {
    const { url } = await pages('process_cpu_seconds_total 1\n', null)
    const probe = await probeMetrics(url)

    expect(await probe.read()).toMatchObject({
      cpu: null,
      residentMb: null,
      source: expect.stringContaining('not answer'),
    })
  })

  it.each([
    ['404 Not Found', null],
    ['has neither process_cpu_seconds_total nor process_resident_memory_bytes', 'up 1\n'],
  ])('is refused: %s', async (problem, text) => {
    const { url } = await pages(text)

    await expect(probeMetrics(url)).rejects.toThrow(problem)
  })

  it('that nobody serves is refused', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()

    await expect(probeMetrics(new URL(`http://127.0.0.1:${port}/metrics`))).rejects.toThrow('ECONNREFUSED')
  })
})

describe('$SYS', () => {
  it('gives the heap', async () => {
    const { url } = await startBroker({ sysIntervalSeconds: 10 })
    const probe = await probeSys({ address: parseAddress(url).address })
    onTestFinished(() => probe.close())
    const { heapMb, ...others } = await probe.read()

    expect(heapMb).toBeGreaterThan(1)
    expect(others).toEqual({ cpu: null, residentMb: null, source: '$SYS/broker/heap/current' })
  })
})

it.skipIf(process.platform !== 'linux')('a process that has ended leaves nothing known', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' })
  const probe = probeProcess(child.pid!)
  child.kill('SIGKILL')
  await once(child, 'close')
  probe.start()

  expect(await probe.read()).toEqual({
    cpu: null,
    residentMb: null,
    heapMb: null,
    source: `/proc/${child.pid}, which has ended`,
  })
})
