import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Client, type ClientHandler } from '../../src/client/client.ts'
import { hasMosquitto, Mosquitto } from '../support/mosquitto.ts'
import { findPeer, Peer } from '../support/peers.ts'
import {
  EXCEPTIONS,
  PUBLISH_ROWS,
  RANDOM_FILTER_ROW,
  REQUEST_ROWS,
  type SentMessage,
  SUBSCRIBE_ROWS,
} from './mosquitto-rows.ts'

const present = hasMosquitto && findPeer('mosquitto_sub', 'mosquitto_sub', ['--help'])
const BINARY = fileURLToPath(new URL('../../bin/mqtt-kit.cjs', import.meta.url))
const SETUP_MS = 120_000
/** Programs at once. */
const AT_ONCE = 24
/** Seconds after which a program gives up that waits for what does not come. */
const PATIENCE = ['-W', '60']

/** What mosquitto printed, and what we did. */
type Pair = [mosquitto: string, ours: string]

// Same command lines, mosquitto's programs and links to ours: the bytes on stdout are compared. The programs of a group run at
// the same time; ID in a command line is another word in each.
describe.skipIf(!present)('as mosquitto', () => {
  let mosquitto: Mosquitto
  let folder: string
  const running: Peer[] = []

  beforeAll(async () => {
    mosquitto = await Mosquitto.start()
    folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-'))
    for (const name of ['mosquitto_pub', 'mosquitto_sub', 'mosquitto_rr']) symlinkSync(BINARY, join(folder, name))
  })

  afterAll(async () => {
    for (const peer of running) peer.kill('SIGKILL')
    await mosquitto.stop()
    rmSync(folder, { recursive: true })
  })

  const port = (): string[] => ['-p', String(mosquitto.address.port)]

  /** Both programs for one line, mosquitto's first. */
  function pairOf(name: string, line: readonly string[], id: string, more: readonly string[] = []): [Peer, Peer] {
    const start = (who: string, program: string, ...before: string[]): Peer => {
      const words = line.map((word) => word.replaceAll('ID', `${id}${who}`))
      const peer = new Peer(program, [...before, ...port(), ...more, ...words])
      running.push(peer)
      return peer
    }
    // into a pipe mosquitto says that it is subscribed only with the first message, unless its lines are let out
    return [start('m', 'stdbuf', '-oL', name), start('o', join(folder, name))]
  }

  async function connected(handler: ClientHandler = {}): Promise<Client> {
    const client = new Client({ address: mosquitto.address }, handler)
    await client.connect()
    return client
  }

  async function send(messages: readonly SentMessage[]): Promise<void> {
    const publisher = await connected()
    for (const [topic, payload, qos = 0, retain = false, properties = {}] of messages) {
      await publisher.publish(topic, payload, { qos, retain, properties })
    }
    await publisher.disconnect()
  }

  /** What subscribers print of the messages; the retained ones are there before. */
  async function printed(lines: readonly (readonly string[])[], messages: readonly SentMessage[]): Promise<Pair[]> {
    const retained = messages.filter(([, , , retain]) => retain)
    const pairs: Pair[] = []
    for (let at = 0; at < lines.length; at += AT_ONCE / 2) {
      await send(retained)
      const peers = lines
        .slice(at, at + AT_ONCE / 2)
        .map((line, i) => pairOf('mosquitto_sub', line, `x${at + i}`, ['-d', ...PATIENCE]))
      // with -d both say when they are subscribed, mosquitto on stdout
      await Promise.all(peers.flat().map((peer) => peer.says('SUBACK')))
      await send(messages.filter(([, , , retain]) => !retain))
      for (const [theirs, ours] of peers) {
        pairs.push([comparable((await theirs.finished()).stdout), comparable((await ours.finished()).stdout)])
      }
      await send(retained.map(([topic]) => [topic, '', 1, true]))
    }
    return pairs
  }

  const groups = [...new Set(SUBSCRIBE_ROWS.map(({ messages }) => messages))].map((messages, i) => ({ messages, i }))

  describe.each(groups)('sub, messages $i', ({ messages }) => {
    const rows = SUBSCRIBE_ROWS.filter((row) => row.messages === messages)
    let pairs: Pair[] = []

    beforeAll(async () => {
      pairs = await printed(
        rows.map(({ line }) => line),
        messages,
      )
    }, SETUP_MS)

    it.each(rows.map(({ line }, i) => ({ line: line.join(' '), i })))('$line', ({ i }) => {
      expect(pairs[i]![1]).toBe(pairs[i]![0])
    })
  })

  describe('where mosquitto is not right', () => {
    it.each(EXCEPTIONS)(
      '$reason',
      async ({ line, messages, mosquitto: theirs, ours }) => {
        expect(await printed([line], messages)).toEqual([[theirs, ours]])
      },
      SETUP_MS,
    )
  })

  it(
    'all messages are all messages, and not a tenth of them',
    async () => {
      const { line, messages } = RANDOM_FILTER_ROW
      const [pair] = await printed([line], messages)

      const [theirs, ours] = pair!.map((text) => text.split('\n').slice(0, -1))
      expect(ours).toEqual(messages.map(([, payload]) => payload))
      expect(theirs!.length).toBeLessThan(messages.length)
    },
    SETUP_MS,
  )

  describe('pub', () => {
    const heard = new Map<string, string[]>()
    const outputs: Pair[] = []

    beforeAll(async () => {
      let ended = (): void => {}
      const end = new Promise<void>((resolve) => (ended = resolve))
      const listener = await connected({
        message: ({ message: { topicName, payload, properties, retain }, qos }) => {
          const [, id = '', name = ''] = topicName.split('/')
          if (id === 'end') ended()
          const { messageExpiryIntervalSeconds: _, ...others } = properties
          const line = JSON.stringify([name, payload.toString('hex'), qos, retain, others])
          heard.set(id, [...(heard.get(id) ?? []), line])
        },
      })
      const request = {
        topicFilter: 'out/#',
        qos: 2,
        noLocal: false,
        retainAsPublished: true,
        retainHandling: 0,
      } as const
      await listener.subscribe([request])
      for (let at = 0; at < PUBLISH_ROWS.length; at += AT_ONCE / 2) {
        const peers = PUBLISH_ROWS.slice(at, at + AT_ONCE / 2).map(({ line, input }, i) => {
          const pair = pairOf('mosquitto_pub', line, `${at + i}`)
          for (const { child } of pair) child.stdin!.end(input ?? '')
          return pair
        })
        for (const [theirs, ours] of peers)
          outputs.push([(await theirs.finished()).stdout, (await ours.finished()).stdout])
      }
      // behind all others at the broker
      await listener.publish('out/end', '', { qos: 2 })
      await end
      await listener.disconnect()
    }, SETUP_MS)

    it.each(PUBLISH_ROWS.map(({ line }, i) => ({ line: line.join(' ').slice(0, 100), i })))('$line', ({ i }) => {
      expect(heard.get(`${i}o`)).toEqual(heard.get(`${i}m`))
      expect(heard.get(`${i}m`)).toHaveLength(PUBLISH_ROWS[i]!.count)
      expect(outputs[i]).toEqual(['', ''])
    })
  })

  describe('rr', () => {
    const outputs: Pair[] = []

    beforeAll(async () => {
      const responder: Client = await connected({
        message: ({ message: { topicName, payload, properties } }) => {
          const { responseTopic = topicName.replace('ask', 'answers'), ...others } = properties
          responder.publish(responseTopic, `re: ${payload}`, { properties: others }).catch(() => {})
        },
      })
      const request = {
        topicFilter: 'ask/#',
        qos: 2,
        noLocal: false,
        retainAsPublished: false,
        retainHandling: 0,
      } as const
      await responder.subscribe([request])
      const peers = REQUEST_ROWS.map(({ line, input }, i) => {
        const pair = pairOf('mosquitto_rr', line, String(i), PATIENCE)
        for (const { child } of pair) child.stdin!.end(input ?? '')
        return pair
      })
      for (const [theirs, ours] of peers) {
        const [their, our] = [(await theirs.finished()).stdout, (await ours.finished()).stdout]
        outputs.push([their.replaceAll(/(\d)m/g, '$1'), our.replaceAll(/(\d)o/g, '$1')])
      }
      await responder.disconnect()
    }, SETUP_MS)

    it.each(REQUEST_ROWS.map(({ line }, i) => ({ line: line.join(' '), i })))('$line', ({ i }) => {
      expect(outputs[i]![1]).toBe(outputs[i]![0])
      expect(outputs[i]![0]).not.toBe('')
    })
  })

  it('reads the file of options that mosquitto reads', async () => {
    await send([['kept', 'x', 1, true]])
    const home = mkdtempSync(join(folder, 'home-'))
    writeFileSync(join(home, 'mosquitto_sub'), '# options\n-F [%t] %p\n-C 1\n')
    const outputs = await Promise.all(
      ['mosquitto_sub', join(folder, 'mosquitto_sub')].map(async (program) => {
        const peer = new Peer('env', [`XDG_CONFIG_HOME=${home}`, program, ...port(), '-t', 'kept'])
        return (await peer.finished()).stdout
      }),
    )
    await send([['kept', '', 1, true]])
    expect(outputs).toEqual(['[kept] x\n', '[kept] x\n'])
  })
})

/** Without what differs from run to run by its nature, and without what -d of mosquitto says on stdout. */
function comparable(stdout: string): string {
  return stdout
    .replaceAll(/(Client (\(null\)|\S+) (sending|received) .*|Subscribed \(mid: .*)\n/g, '')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z?[+-]\d{4}/g, 'TIME')
    .replaceAll(/\d{10}\.\d{9}/g, 'SECONDS')
}
