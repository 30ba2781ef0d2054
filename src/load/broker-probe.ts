import { Client, type ClientOptions } from '../client/client.ts'
import { ProcessMeter } from './meters.ts'

/** What the broker's process used, as far as whoever was asked could tell. */
export interface BrokerUse {
  /** processors used while messages were measured, 1 is one whole; null when it is not known */
  readonly cpu: number | null
  /** megabytes of 2^20 bytes at the end of publishing; null when it is not known */
  readonly residentMb: number | null
  /** what the broker has allocated of them, by its own account; null when it is not known */
  readonly heapMb: number | null
  /** who said so */
  readonly source: string
}

/** Measures the broker's process while messages are measured. */
export interface BrokerProbe {
  start(): void
  read(): Promise<BrokerUse>
  close(): void
}

/** There is nothing that this probe could look at; the message says what was looked for. */
export class ProbeError extends Error {}

const BYTES_PER_MB = 1_048_576
const MS_PER_SECOND = 1000
/** of one page, and of the first value of $SYS */
const ANSWER_MS = 5_000
const NOTHING = { cpu: null, residentMb: null, heapMb: null }

/**
 * Looks at a process of this machine.
 * @throws ProbeError when there is no /proc, or no such process
 */
export function probeProcess(pid: number): BrokerProbe {
  let meter: ProcessMeter
  try {
    meter = new ProcessMeter(pid)
  } catch (error) {
    throw new ProbeError(`there is no process ${pid} to look at (${(error as Error).message})`)
  }
  const source = `/proc/${pid}`
  const whileItRuns = <T>(look: () => T): T | null => {
    try {
      return look()
    } catch {
      return null
    }
  }
  return {
    start: () => void whileItRuns(() => meter.start()),
    read: async () => {
      const use = whileItRuns(() => meter.read())
      return use === null ? { ...NOTHING, source: `${source}, which has ended` } : { ...use, heapMb: null, source }
    },
    close: () => {},
  }
}

interface Reading {
  readonly atMs: number
  readonly cpuSeconds: number | null
  readonly residentBytes: number | null
}

/**
 * Looks at a page of metrics in the text format of Prometheus, by the names that its client libraries give a process:
 * `process_cpu_seconds_total` and `process_resident_memory_bytes`.
 * @param url http or https; a user and a password in it are sent
 * @throws ProbeError (rejects) when there is no such page, or nothing about a process on it
 */
export async function probeMetrics(url: URL): Promise<BrokerProbe> {
  const source = `${url.origin}${url.pathname}`
  const first = await readMetrics(url)
  if (first.cpuSeconds === null && first.residentBytes === null) {
    throw new ProbeError(`${source} has neither process_cpu_seconds_total nor process_resident_memory_bytes`)
  }
  let started = Promise.resolve<Reading | null>(first)
  const attempt = (): Promise<Reading | null> => readMetrics(url).catch(() => null)
  return {
    start: () => {
      started = attempt()
    },
    read: async () => {
      const [from, until] = [await started, await attempt()]
      if (until === null) return { ...NOTHING, source: `${source}, which does not answer any more` }
      const residentMb = until.residentBytes === null ? null : until.residentBytes / BYTES_PER_MB
      return { cpu: processorsBetween(from, until), residentMb, heapMb: null, source }
    },
    close: () => {},
  }
}

function processorsBetween(from: Reading | null, until: Reading): number | null {
  if (from === null || from.cpuSeconds === null || until.cpuSeconds === null) return null
  return (until.cpuSeconds - from.cpuSeconds) / (Math.max(1, until.atMs - from.atMs) / MS_PER_SECOND)
}

async function readMetrics(url: URL): Promise<Reading> {
  const plain = new URL(url)
  plain.username = ''
  plain.password = ''
  const who = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  const headers: Record<string, string> =
    url.username === '' ? {} : { authorization: `Basic ${Buffer.from(who).toString('base64')}` }
  try {
    const response = await fetch(plain, { headers, signal: AbortSignal.timeout(ANSWER_MS) })
    if (!response.ok) throw new Error(`it answers with ${response.status} ${response.statusText}`)
    const text = await response.text()
    const atMs = performance.now()
    return {
      atMs,
      cpuSeconds: metricIn(text, 'process_cpu_seconds_total'),
      residentBytes: metricIn(text, 'process_resident_memory_bytes'),
    }
  } catch (error) {
    // fetch says "fetch failed", and its cause why
    const { message, cause } = error as Error
    throw new ProbeError(`cannot read ${plain}: ${cause instanceof Error ? cause.message : message}`)
  }
}

function metricIn(text: string, name: string): number | null {
  const value = Number(new RegExp(`^${name}(?:\\{[^}]*\\})?[ \\t]+(\\S+)`, 'm').exec(text)?.[1] ?? Number.NaN)
  return Number.isFinite(value) ? value : null
}

const SYS_HEAP = '$SYS/broker/heap/current'

/**
 * Looks at `$SYS/broker/heap/current`, as mosquitto has it; there is no CPU in `$SYS`, and no resident memory.
 * @throws ClientError (rejects) when the broker cannot be reached; ProbeError when it has no such topic
 */
export async function probeSys(options: ClientOptions): Promise<BrokerProbe> {
  let heapBytes: number | null = null
  let heard = (): void => {}
  let isLost = false
  const client = new Client(options, {
    message: ({ message }) => {
      const value = Number(message.payload.toString())
      if (Number.isFinite(value)) heapBytes = value
      heard()
    },
    closed: () => {
      isLost = true
    },
  })
  await client.connect()
  const first = new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), ANSWER_MS)
    heard = () => {
      clearTimeout(timer)
      resolve(true)
    }
  })
  const subscription = {
    topicFilter: SYS_HEAP,
    qos: 0,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
  } as const
  const { codes } = await client.subscribe([subscription])
  if (codes[0]! >= 0x80 || !(await first)) {
    await client.disconnect()
    throw new ProbeError(`the broker tells nothing on ${SYS_HEAP}`)
  }
  return {
    start: () => {},
    read: async () => {
      const source = isLost ? `${SYS_HEAP}, the last before the connection was lost` : SYS_HEAP
      return { ...NOTHING, heapMb: heapBytes === null ? null : heapBytes / BYTES_PER_MB, source }
    },
    close: () => void client.disconnect().catch(() => {}),
  }
}
