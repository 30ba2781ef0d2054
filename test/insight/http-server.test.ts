import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { packetTypeNames } from '../../src/codec/packet-type.ts'
import { HttpServer } from '../../src/insight/http-server.ts'
import { startBroker, type TestBroker } from '../support/test-broker.ts'
import { keeping } from '../support/versions.ts'

interface Watched extends TestBroker {
  readonly http: HttpServer
  page(path: string, method?: string): Promise<Response>
  /** values by series: `name{label="value"}` */
  scrape(): Promise<Record<string, number>>
}

/** A broker and its pages, closed after the test. */
async function startWatched(options: Parameters<typeof startBroker>[0] = {}): Promise<Watched> {
  const started = await startBroker(options)
  const http = await HttpServer.open({ host: '127.0.0.1', port: 0 }, started.broker, (error) => {
    throw error
  })
  onTestFinished(() => http.close())
  const page = (path: string, method = 'GET') => fetch(http.url + path, { method })
  const scrape = async () => seriesOf(await (await page('/metrics')).text())
  return { ...started, http, page, scrape }
}

function seriesOf(text: string): Record<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  )
}

/** What does not change by itself. */
function ownOf(series: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(series).filter(([name]) => !name.startsWith('process_')))
}

describe('/metrics', () => {
  it('tells what went through the broker, anew at each scrape', async () => {
    const { client, clock, scrape } = await startWatched({ limits: { maximumQueuedMessages: 2 }, version: 'kit 1' })
    const first = await scrape()
    const publisher = await client()
    const sleeper = await client(keeping(5, 'c'))
    await sleeper.subscribe({ topicFilter: 'a', qos: 1 })
    await sleeper.end()
    for (const qos of [1, 1, 1] as const) await publisher.publishAndWait('a', 'x', { qos })
    await publisher.publishAndWait('nobody', 'x', { qos: 2, retain: true })
    clock.advance(2500)
    const second = await scrape()

    expect(first).toMatchObject({
      'mqtt_kit_build_info{version="kit 1"}': 1,
      'mqtt_kit_packets_received_total{type="connect"}': 0,
      mqtt_kit_uptime_seconds: 0,
      mqtt_kit_received_bytes_total: 0,
    })
    expect(second).toMatchObject({
      mqtt_kit_uptime_seconds: 2.5,
      mqtt_kit_clients_connected: 1,
      mqtt_kit_clients_connected_maximum: 2,
      mqtt_kit_sessions: 2,
      mqtt_kit_subscriptions: 1,
      mqtt_kit_retained_messages: 1,
      mqtt_kit_connections_opened_total: 2,
      'mqtt_kit_packets_received_total{type="connect"}': 2,
      'mqtt_kit_packets_sent_total{type="suback"}': 1,
      'mqtt_kit_messages_received_total{qos="0"}': 0,
      'mqtt_kit_messages_received_total{qos="1"}': 3,
      'mqtt_kit_messages_received_total{qos="2"}': 1,
      'mqtt_kit_messages_sent_total{qos="1"}': 0,
      'mqtt_kit_messages_dropped_total{reason="queue-full"}': 1,
      'mqtt_kit_messages_dropped_total{reason="offline"}': 0,
      mqtt_kit_messages_unmatched_total: 1,
    })
    expect(second['mqtt_kit_received_bytes_total']).toBeGreaterThan(second['mqtt_kit_publish_received_bytes_total']!)
    // a counter that is scraped twice has not counted twice
    expect(ownOf(await scrape())).toEqual(ownOf(second))
    expect(second['process_cpu_seconds_total']).toBeGreaterThan(0)
    expect(second['process_resident_memory_bytes']).toBeGreaterThan(1e6)
  })

  it("keeps to Prometheus' custom: text format 0.0.4, help and type of each, names with their unit, counters with _total", async () => {
    const { page } = await startWatched()

    const response = await page('/metrics')
    const text = await response.text()

    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map((match) => [match[1]!, match[2]!] as const)
    expect(types.length).toBeGreaterThan(20)
    for (const [name, type] of types) {
      expect(name).toMatch(
        type === 'counter' ? /^(?:mqtt_kit|process)_[a-z_]+_total$/ : /^(?:mqtt_kit|process)_[a-z_]+(?<!_total)$/,
      )
      expect(name).not.toMatch(/_(?:ms|kilobytes|milliseconds)/)
      expect(text).toMatch(new RegExp(`^# HELP ${name} [A-Z\`].*\\.$`, 'm'))
    }
    const names = new Set(types.map(([name]) => name))
    const series = Object.keys(seriesOf(text))
    expect(new Set(series.map((one) => one.replace(/\{.*/, '')))).toEqual(names)
    expect(series.filter((one) => one.startsWith('mqtt_kit_packets_sent_total'))).toHaveLength(
      packetTypeNames.length - 1,
    )
    expect(text.endsWith('\n')).toBe(true)
  })
})

describe('/healthz and /readyz', () => {
  it('answer 200; when the broker stops, only /healthz does', async () => {
    const { broker, client, page } = await startWatched()
    const statuses = async () => [(await page('/healthz')).status, (await page('/readyz')).status]
    const running = await statuses()
    const stubborn = await client()
    stubborn.socket.pause()
    const stopped = broker.stop()

    expect(running).toEqual([200, 200])
    expect(await statuses()).toEqual([200, 503])
    expect(await (await page('/readyz')).text()).toBe('stopping\n')
    stubborn.socket.destroy()
    await stopped
  })
})

describe('the server', () => {
  it.each(['/', '/metrics/', '/metricsx', '/healthz/../metrics%2f', '//metrics', '/favicon.ico'])(
    'answers %s with 404 and says what there is',
    async (path) => {
      const { page } = await startWatched()

      const response = await page(path)

      expect(response.status).toBe(404)
      expect(await response.text()).toBe('not found: there are /metrics, /healthz and /readyz\n')
    },
  )

  it('does not mind a query, gives HEAD no body, and refuses other methods with 405', async () => {
    const { page } = await startWatched()

    const [query, head, post] = [
      await page('/readyz?a=b'),
      await page('/healthz', 'HEAD'),
      await page('/metrics', 'POST'),
    ]

    expect([query.status, await query.text()]).toEqual([200, 'ready\n'])
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '3', ''])
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    await post.text()
  })

  it('survives bytes that are no HTTP', async () => {
    const { http, page } = await startWatched()
    const socket = connect(Number(new URL(http.url).port), '127.0.0.1')
    onTestFinished(() => void socket.destroy())

    socket.write(Buffer.from('100c00044d5154540402003c0000', 'hex'))
    const [answer]: Buffer[] = await once(socket, 'data')

    expect(answer!.toString()).toMatch(/^HTTP\/1\.1 400 /)
    expect((await page('/healthz')).status).toBe(200)
  })

  it('closes with a connection that waits, and gives its port free', async () => {
    const { broker, http } = await startWatched()
    const port = Number(new URL(http.url).port)
    const socket = connect(port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\n')
    await once(socket, 'connect')
    // reset or ended, both are fine
    socket.on('error', () => {})
    const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()))

    await http.close()
    await gone
    const second = await HttpServer.open({ host: '127.0.0.1', port }, broker, () => {})

    expect(second.url).toBe(http.url)
    await second.close()
  })

  it('says where it cannot listen', async () => {
    const { broker, http } = await startWatched()
    const port = Number(new URL(http.url).port)

    await expect(HttpServer.open({ host: '127.0.0.1', port }, broker, () => {})).rejects.toThrow(
      `cannot listen on ${http.url}: address in use (EADDRINUSE)`,
    )
  })
})
