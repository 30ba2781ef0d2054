import type { ListenerOptions } from '../../broker/configuration.ts'
import { UsageError } from '../failure.ts'
import type { Environment } from '../options/parse.ts'

/** The first descriptor that systemd hands over. */
const FIRST_DESCRIPTOR = 3

/** What a listener speaks, by the name of its descriptor (FileDescriptorName= in the unit of the socket). */
const urls = new Map([
  ['mqtt', 'mqtt://:0'],
  ['mqtts', 'mqtts://:0'],
  ['ws', 'ws://:0/mqtt'],
  ['wss', 'wss://:0/mqtt'],
])

/**
 * The sockets that systemd has opened for this process (socket activation, sd_listen_fds(3)). One whose name is no scheme
 * speaks MQTT.
 * @throws UsageError for a LISTEN_FDS that is no number
 */
export function inheritedListeners(environment: Environment, pid: number): ListenerOptions[] {
  const { LISTEN_FDS: count, LISTEN_PID: owner, LISTEN_FDNAMES: names = '' } = environment
  // a process below one that was activated has the variables too
  if (count === undefined || owner !== String(pid)) return []
  if (!/^\d{1,4}$/.test(count)) throw new UsageError(`LISTEN_FDS ${JSON.stringify(count)}: expected a number`)
  const nameOf = names.split(':')
  return Array.from({ length: Number(count) }, (_, i) => ({
    url: urls.get(nameOf[i] ?? '') ?? 'mqtt://:0',
    descriptor: FIRST_DESCRIPTOR + i,
  }))
}
