import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { PacketType } from '../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { findPeer } from '../support/peers.ts'
import { startUnder } from '../support/program.ts'
import { RawClient } from '../support/raw-client.ts'
import { keeping } from '../support/versions.ts'

const { V3_1_1 } = ProtocolVersion
const { PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType

/** What the kernel saw, in its order: a sync of the store that is done, or an acknowledgement that goes to a socket. */
type Step = 'sync' | string

const EXCHANGES = 10

function mayTrace(): boolean {
  if (!findPeer('strace', 'strace', ['-V'])) return false
  const { status, stderr } = spawnSync('strace', ['-D', '-f', '-o', '/dev/null', 'true'], { encoding: 'utf8' })
  if (status === 0) return true
  process.stderr.write(`skipped: strace may not trace here: ${stderr.trim()}\n`)
  return false
}

/** Acknowledgements of MQTT 3.1.1, as strace -xx prints them. */
function nameOfAcknowledgement(bytes: string): string | null {
  const [, type, high, low] = /^\\x([4567][02])\\x02\\x(..)\\x(..)$/.exec(bytes) ?? []
  if (type === undefined) return null
  const names: Record<string, string> = { 40: 'PUBACK', 50: 'PUBREC', 70: 'PUBCOMP' }
  return `${names[type]} ${Number.parseInt(high! + low!, 16)}`
}

function unescaped(hex: string): string {
  return Buffer.from(hex.replaceAll('\\x', ''), 'hex').toString()
}

function stepsOf(trace: string): Step[] {
  const steps: Step[] = []
  // a call that others interrupt is printed in two lines; of a sync the second counts, of a write the first
  const syncing = new Set<string>()
  for (const raw of trace.split('\n')) {
    const line = raw.replace(/<((?:\\x..)+)>/g, (_, name: string) => `<${unescaped(name)}>`)
    const thread = line.split(' ', 1)[0]!
    const isSync = /^\d+ +f(data)?sync\(\d+<[^>]*\/level\/[^>]*>/.test(line)
    if (isSync && line.endsWith('<unfinished ...>')) syncing.add(thread)
    else if (isSync && line.endsWith('= 0')) steps.push('sync')
    else if (/<\.\.\. f(data)?sync resumed>.*= 0$/.test(line) && syncing.delete(thread)) steps.push('sync')
    const written = /^\d+ +write\(\d+<(?:TCP|socket)[^"]*>, "([^"]*)"/.exec(line)?.[1]
    const acknowledgement = written === undefined ? null : nameOfAcknowledgement(written)
    if (acknowledgement !== null) steps.push(acknowledgement)
  }
  return steps
}

/** Lets a publisher exchange QoS 1 and 2 messages for a session that is away. @returns what the kernel saw of it */
async function traced(durability: string): Promise<Step[]> {
  const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'trace')
  const strace = ['-D', '-f', '-y', '-xx', '-o', file, '-e', 'trace=fsync,fdatasync,write'] as const
  const program = startUnder(
    ['strace', ...strace],
    ['serve', '-p', '0', '--data', join(folder, 'data'), '--durability', durability],
  )
  await program.says('mqtt-kit ready')
  const url = /mqtt:\S+/.exec(program.stdout)![0]
  const subscriber = await RawClient.connected(url, keeping(V3_1_1, 'sub'))
  await subscriber.subscribe({ topicFilter: 'a', qos: 2 })
  await subscriber.end()
  const publisher = await RawClient.connected(url, keeping(V3_1_1, 'pub'))
  for (let packetId = 1; packetId <= EXCHANGES; packetId++) {
    publisher.publish('a', `${packetId}`, { qos: 1, packetId })
    await publisher.expect(PUBACK)
  }
  for (let packetId = EXCHANGES + 1; packetId <= 2 * EXCHANGES; packetId++) {
    publisher.publish('a', `${packetId}`, { qos: 2, packetId })
    await publisher.expect(PUBREC)
    publisher.acknowledge(PUBREL, packetId)
    await publisher.expect(PUBCOMP)
  }
  publisher.cut()
  program.kill('SIGKILL')
  await program.finished()
  return stepsOf(readFileSync(file, 'latin1'))
}

const ACKNOWLEDGEMENTS = Array.from({ length: 2 * EXCHANGES }, (_, i) =>
  i < EXCHANGES ? [`PUBACK ${i + 1}`] : [`PUBREC ${i + 1}`, `PUBCOMP ${i + 1}`],
).flat()

describe.skipIf(!mayTrace())('what the kernel sees of serve --data', () => {
  it('each acknowledgement leaves after a sync of its own with --durability power', async () => {
    const steps = await traced('power')

    expect(steps.filter((step) => step !== 'sync')).toEqual(ACKNOWLEDGEMENTS)
    // of several syncs in a row one is enough
    const syncsAndAnswers = steps.filter((step, i) => step !== 'sync' || steps[i + 1] !== 'sync')
    expect(
      syncsAndAnswers.slice(syncsAndAnswers.indexOf('PUBACK 1') - 1).slice(0, 2 * ACKNOWLEDGEMENTS.length),
    ).toEqual(ACKNOWLEDGEMENTS.flatMap((acknowledgement) => ['sync', acknowledgement]))
  })

  it('nothing is synced between acknowledgements with --durability process', async () => {
    const steps = await traced('process')

    expect(steps.slice(steps.indexOf('PUBACK 1'))).toEqual(ACKNOWLEDGEMENTS)
  })
})
