import { Counter, Gauge, Registry } from 'prom-client'
import { limitLabel } from '../broker/limit-watch.ts'
import type { Metrics } from '../broker/metrics.ts'
import { type BrokerGauges, dropNames, type Observed } from '../broker/sys-topics.ts'
import { packetTypeNames } from '../codec/packet-type.ts'
import type { DeliveryCounts } from '../session/server-session.ts'

/** A broker, as the pages tell of it. */
export interface ObservedBroker extends Observed {
  /** true from the moment that no new client is let in */
  readonly isStopping: boolean
}

/** A body and its Content-Type. */
export interface Exposition {
  readonly contentType: string
  readonly text: string
}

type Sample = readonly [label: string, value: number]

const PREFIX = 'mqtt_kit_'
const US_PER_SECOND = 1_000_000

const gaugeRows: readonly (readonly [name: string, help: string, read: (gauges: BrokerGauges) => number])[] = [
  ['uptime_seconds', 'Time since the broker was started.', (gauges) => gauges.uptimeSeconds],
  ['clients_connected', 'Clients that are connected now.', (gauges) => gauges.clientsConnected],
  ['clients_connected_maximum', 'Most clients that were connected at one time.', (gauges) => gauges.clientsMaximum],
  ['sessions', 'Sessions, with and without a connection.', (gauges) => gauges.clientsTotal],
  ['subscriptions', 'Subscriptions of all sessions.', (gauges) => gauges.subscriptions],
  ['retained_messages', 'Retained messages, with those of $SYS.', (gauges) => gauges.retainedMessages],
  ['retained_bytes', 'Weight of the retained messages in memory.', (gauges) => gauges.retainedBytes],
]

/** in = out + queued + dropped */
const deliveryRows: readonly (readonly [name: string, help: string, key: keyof DeliveryCounts])[] = [
  ['deliveries_in', 'Messages given to sessions: those out, queued and dropped.', 'in'],
  ['deliveries_out', 'Messages sent, each counted once.', 'out'],
  ['deliveries_queued', 'Messages that wait for their first sending.', 'queued'],
  ['deliveries_dropped', 'Messages that were given up.', 'dropped'],
]

const counterRows: readonly (readonly [name: string, help: string, read: (metrics: Metrics) => number])[] = [
  ['received_bytes_total', 'Bytes that came from clients.', (metrics) => metrics.bytesReceived],
  ['sent_bytes_total', 'Bytes that went to clients.', (metrics) => metrics.bytesSent],
  ['publish_received_bytes_total', 'Bytes of PUBLISH from clients.', (metrics) => metrics.publishBytesReceived],
  ['publish_sent_bytes_total', 'Bytes of PUBLISH to clients.', (metrics) => metrics.publishBytesSent],
  ['messages_unmatched_total', 'Messages without a subscriber.', (metrics) => metrics.messagesWithoutSubscriber],
  ['messages_refused_total', 'Messages that clients may not publish.', (metrics) => metrics.messagesRefused],
  [
    'acknowledgements_unknown_total',
    'PUBACK, PUBREC, PUBREL and PUBCOMP of a Packet Identifier that was not open.',
    (metrics) => metrics.acknowledgementsUnknown,
  ],
  ['connections_opened_total', 'Network Connections that were accepted.', (metrics) => metrics.connectionsOpened],
  ['connections_refused_total', 'Network Connections that were refused.', (metrics) => metrics.connectionsRefused],
  ['sessions_expired_total', 'Sessions that ended because their time was over.', (metrics) => metrics.sessionsExpired],
]

type LabelledRow = readonly [name: string, help: string, label: string, read: (metrics: Metrics) => Sample[]]

const labelledRows: readonly LabelledRow[] = [
  ['packets_received_total', 'Packets from clients.', 'type', (metrics) => byPacketType(metrics.packetsReceived)],
  ['packets_sent_total', 'Packets to clients.', 'type', (metrics) => byPacketType(metrics.packetsSent)],
  ['messages_received_total', 'PUBLISH packets from clients.', 'qos', (metrics) => byQos(metrics.messagesReceived)],
  ['messages_sent_total', 'PUBLISH packets to clients.', 'qos', (metrics) => byQos(metrics.messagesSent)],
  [
    'messages_dropped_total',
    'Deliveries that were given up.',
    'reason',
    (metrics) => dropNames.map(([name, reason]) => [name, metrics.messagesDropped[reason]!]),
  ],
]

/** The counters and present sizes of a broker for Prometheus. They are read when a text is asked for, and at no other time. */
export class PrometheusText {
  readonly #registry = new Registry()

  constructor(observed: ObservedBroker) {
    for (const [name, help, read] of gaugeRows) this.#addGauge(name, help, () => read(observed.gauges))
    for (const [name, help, key] of deliveryRows) this.#addGauge(name, help, () => observed.deliveryCounts[key])
    for (const [name, help, read] of counterRows)
      this.#addCounters(name, help, null, () => [['', read(observed.metrics)]])
    for (const [name, help, label, read] of labelledRows)
      this.#addCounters(name, help, label, () => read(observed.metrics))
    this.#addCounters('limits_reached_total', 'How often a limit was reached.', 'limit', () =>
      observed.limitCounts().map(([name, count]) => [limitLabel(name), count]),
    )
    this.#addProcess()
    const labels = { version: observed.gauges.version }
    const build = { name: `${PREFIX}build_info`, help: 'Always 1; its label says which version runs.' }
    new Gauge({ ...build, labelNames: ['version'], registers: [this.#registry] }).set(labels, 1)
  }

  /** All metrics in Prometheus text format 0.0.4. */
  async read(): Promise<Exposition> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() }
  }

  #addGauge(name: string, help: string, read: () => number): void {
    const collect = (): void => gauge.set(read())
    const gauge = new Gauge({ name: PREFIX + name, help, registers: [this.#registry], collect })
  }

  // by the names that the client libraries of Prometheus give every process
  #addProcess(): void {
    const registers = [this.#registry]
    const cpu = new Counter({
      name: 'process_cpu_seconds_total',
      help: 'Processor time of the process, user and system.',
      registers,
      collect: () => {
        const { user, system } = process.cpuUsage()
        cpu.reset()
        cpu.inc((user + system) / US_PER_SECOND)
      },
    })
    const resident = new Gauge({
      name: 'process_resident_memory_bytes',
      help: 'Resident memory of the process.',
      registers,
      collect: (): void => resident.set(process.memoryUsage.rss()),
    })
  }

  #addCounters(name: string, help: string, label: string | null, read: () => Sample[]): void {
    // the broker counts, not the library: each reading replaces the one before
    const collect = (): void => {
      counter.reset()
      for (const [value, count] of read()) counter.inc(label === null ? {} : { [label]: value }, count)
    }
    const labelNames = label === null ? [] : [label]
    const counter = new Counter({ name: PREFIX + name, help, labelNames, registers: [this.#registry], collect })
  }
}

function byPacketType(counters: Float64Array): Sample[] {
  const samples: Sample[] = []
  for (let packetType = 1; packetType < packetTypeNames.length; packetType++)
    samples.push([packetTypeNames[packetType]!.toLowerCase(), counters[packetType]!])
  return samples
}

function byQos(counters: Float64Array): Sample[] {
  return Array.from(counters, (count, qos) => [String(qos), count])
}
