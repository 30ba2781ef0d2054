import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { messageFileName, topicFolders } from '../../src/cli/output/message-file.ts'
import { TopicTree } from '../../src/cli/output/topic-tree.ts'
import { Message } from '../../src/codec/message.ts'
import { Publish } from '../../src/codec/packets/publish.ts'
import { run, start } from '../support/program.ts'
import { startBroker } from '../support/test-broker.ts'

/** A broker, a running `sub` that is subscribed, and a client to publish with. */
async function subscribed(...args: string[]) {
  const { url, client, broker } = await startBroker()
  const publisher = await client()
  const program = start(['sub', url, '-d', ...args])
  await program.says('<- SUBACK')
  return { url, program, publisher, broker, client }
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'mqtt-kit-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

describe('sub -F', () => {
  it('prints each message in the form asked for', async () => {
    const { program, publisher } = await subscribed('-t', 'a/#', '-C', '2', '-F', '%q %-4t|%p|%x')

    publisher.publish('a/b', 'one')
    publisher.publish('a/c', '')

    expect((await program.finished()).stdout).toBe('0 a/b |one|6f6e65\n0 a/c ||\n')
  })

  it.each([
    ['Asia/Kolkata', '+0530 +0530'],
    ['America/St_Johns', '-0330 -0330'],
  ])('knows how far the local time of %s is from UTC', async (zone, text) => {
    const { url, client } = await startBroker()
    await (await client()).publishAndWait('a', 'x', { qos: 1, retain: true })
    const { stdout } = await run(['sub', url, '-t', 'a', '-C', '1', '-F', '@z %I'], { environment: { TZ: zone } })

    expect(stdout.replace(/ .{19}/, ' ')).toBe(`${text}\n`)
  })

  it('is refused before connecting when it makes no sense', async () => {
    const { exitCode, stderr } = await run(['sub', '-p', '1', '-t', 'a', '-F', '%z'])

    expect(exitCode).toBe(2)
    expect(stderr).toMatch(/^mqtt-kit sub: -F "%z": expected one of %A .*, not %z/)
  })
})

describe('sub', () => {
  it('takes a QoS for each filter', async () => {
    const { program } = await subscribed('-t', 'a', '-t', 'b', '-q', '0', '-q', '2', '-E')

    await program.finished()
    expect(program.stderr).toContain('"a" (qos=0) "b" (qos=2)')
  })

  it('refuses a number of -q that fits no filters', async () => {
    const { exitCode, stderr } = await run(['sub', '-t', 'a', '-q', '0', '-q', '1'])

    expect(exitCode).toBe(2)
    expect(stderr).toContain('-q is there 2 times for 1 topic filter')
  })

  it('ends with --until after the message for which it holds', async () => {
    const { program, publisher } = await subscribed('-t', 'a', '--until', 'payload.n >= 2')

    publisher.socket.cork()
    for (const n of [1, 2, 3]) publisher.publish('a', JSON.stringify({ n }))
    publisher.socket.uncork()

    expect(await program.finished()).toMatchObject({ exitCode: 0, stdout: '{"n":1}\n{"n":2}\n' })
  })

  it('ends with 27 when --until was never met', async () => {
    const { program } = await subscribed('-t', 'a', '--until', 'qos == 2', '--idle', '50ms')

    const { exitCode, stderr } = await program.finished()
    expect(exitCode).toBe(27)
    expect(stderr).toContain('no message for 0.05 s: 0 messages came, none of them the one of --until')
  })

  it('ends with 0 when nothing came for --idle', async () => {
    const { program } = await subscribed('-t', 'a', '--idle', '50ms')

    expect(await program.finished()).toMatchObject({ exitCode: 0, stdout: '' })
  })

  it('leaves out what has not changed with --changes', async () => {
    const { program, publisher } = await subscribed('-t', '+', '--changes', '-v', '--until', 'payload == "end"')

    for (const [topic, payload] of ['a1', 'a1', 'b1', 'a2', 'b1', 'a1', 'aend'].map((s) => [s[0]!, s.slice(1)])) {
      publisher.publish(topic!, payload!)
    }

    expect((await program.finished()).stdout).toBe('a 1\nb 1\na 2\na 1\na end\n')
  })

  it.each([
    ['hex', '00ff', Buffer.from([0, 255]), '!'],
    ['base64', 'AP8=', Buffer.from([0, 255]), '!'],
    ['json', '{ "a": [1.0, " "] }', Buffer.from('{"a":[1.0," "]}'), '!'],
    ['cbor', Buffer.from('a2616101616242ff00', 'hex'), Buffer.from('{"a":1,"b":{"hex":"ff00"}}'), 'a'],
    ['msgpack', Buffer.from('82a16101a162c402ff00', 'hex'), Buffer.from('{"a":1,"b":{"hex":"ff00"}}'), 'text'],
  ])('shows what --decode %s finds, and leaves others as they are', async (kind, payload, found, other) => {
    const { program, publisher } = await subscribed('-t', 'a', '-C', '2', '--decode', kind)

    publisher.publish('a', payload)
    publisher.publish('a', other)

    const { stdoutBytes, stderr } = await program.finished()
    expect(stdoutBytes).toEqual(Buffer.concat([found, Buffer.from(`\n${other}\n`)]))
    expect(stderr).toContain(`the payload on "a" is no ${kind}; it is left as it came`)
  })

  it('removes retained messages, all but those that -T leaves out', async () => {
    const { url, client } = await startBroker()
    const publisher = await client()
    for (const topic of ['a/1', 'a/2', 'b/1']) await publisher.publishAndWait(topic, 'x', { qos: 1, retain: true })
    const args = ['sub', url, '-t', '#', '-T', 'b/#', '--remove-retained', '--idle', '200ms', '-v']

    const dry = await run([...args, '--dry-run'])
    const real = await run(args)
    const after = await run(['sub', url, '-t', '#', '--idle', '100ms', '-v'])

    expect(dry).toMatchObject({ exitCode: 0, stderr: 'mqtt-kit sub: 2 retained messages would be removed\n' })
    expect(real).toMatchObject({ exitCode: 0, stderr: 'mqtt-kit sub: 2 retained messages removed\n' })
    expect(real.stdout.split('\n').toSorted()).toEqual(['', 'a/1 x', 'a/2 x'])
    expect(after.stdout).toBe('b/1 x\n')
  })

  it('says in a pipe how many messages come with --rate', async () => {
    const { program, publisher } = await subscribed('-t', '#', '-C', '2', '--rate', '--interval', '1h')

    publisher.publish('a', 'xx')
    publisher.publish('b', 'y')

    const { stdout } = await program.finished()
    expect(JSON.parse(stdout)).toMatchObject({ messages: 2, bytes: 3, topics: 2 })
  })

  it('says in a pipe what --tree has seen', async () => {
    const { program, publisher } = await subscribed('-t', '#', '-C', '3', '--tree', '--interval', '1h')

    for (const payload of ['1', '2']) publisher.publish('a/b', payload)
    publisher.publish('c', Buffer.from([0xff]))

    const { messages, topics } = JSON.parse((await program.finished()).stdout)
    expect(messages).toBe(3)
    expect(topics).toEqual([
      { topic: 'a/b', messages: 2, bytes: 2, qos: 0, retain: false, payloadBytes: 1, payload: '2' },
      { topic: 'c', messages: 1, bytes: 1, qos: 0, retain: false, payloadBytes: 1, payloadBase64: '/w==' },
    ])
  })
})

describe('the tree', () => {
  it('is drawn with counts, last payloads and what is new, within the terminal', () => {
    const tree = new TopicTree()
    const add = (topic: string, payload: string): void =>
      tree.add(new Publish(Message.create(topic, payload), 0, false, 0))
    add('home/hall/light', 'on')
    add('home/hall/light', 'off\n')
    add('home/door', 'open')

    expect(tree.lines(1, 80, 20)).toEqual([
      '3 messages on 2 topics, 10 B, 3/s',
      '└─ home (3)',
      '   ├─ door * (1) open',
      '   └─ hall (2)',
      '      └─ light * (2) off\\n',
    ])
    expect(tree.lines(1, 12, 4)).toEqual(['3 messages…', '└─ home (3)', '   ├─ door…', '... and 2 …'])
  })
})

describe('sub --exec', () => {
  it('gives the payload on stdin and the rest in the environment, and runs nothing of a message', async () => {
    const command = 'printf "%s %s %s [%s]\\n" "$MQTT_TOPIC" "$MQTT_QOS" "$MQTT_PROPERTIES" "$(cat)"'
    const { program, publisher } = await subscribed('-t', '#', '-C', '2', '--exec', command)

    publisher.publish('a;$(echo no)', '`id`; "$(id)"', { properties: { contentType: "'; id" } })
    publisher.publish('b', 'two')

    expect((await program.finished()).stdout).toBe(
      'a;$(echo no) 0 {"contentType":"\'; id"} [`id`; "$(id)"]\nb 0 {} [two]\n',
    )
  })

  it('ends with 12 when a command failed, and says which message that was', async () => {
    const { program, publisher } = await subscribed('-t', '#', '-C', '2', '--exec', 'test "$MQTT_TOPIC" = a')

    publisher.publish('a', '')
    publisher.publish('b', '')

    const { exitCode, stderr } = await program.finished()
    expect(exitCode).toBe(12)
    expect(stderr).toContain('mqtt-kit sub: the command ended with 1: message on "b"\n')
    expect(stderr).toMatch(/mqtt-kit sub: the command failed for 1 message\n$/)
  })

  it('runs as many commands at once as --jobs says', async () => {
    const path = folder()
    // each waits for the other
    const command = `: > ${path}/$MQTT_TOPIC; while ! [ -e ${path}/a -a -e ${path}/b ]; do sleep 0.02; done; echo done`
    const { program, publisher } = await subscribed('-t', '#', '-C', '2', '--jobs', '2', '--exec', command)

    publisher.publish('a', '')
    publisher.publish('b', '')

    expect((await program.finished()).stdout).toBe('done\ndone\n')
  })

  it('stops the command on SIGINT', async () => {
    const { program, publisher } = await subscribed('-t', '#', '-C', '2', '--exec', 'echo begun; sleep 60')

    publisher.publish('a', '')
    await program.says('begun')
    program.kill('SIGINT')

    expect((await program.finished()).exitCode).toBe(130)
  })
})

describe('sub --output-dir', () => {
  it('writes each payload into a file of its own, by topic', async () => {
    const path = folder()
    const { program, publisher } = await subscribed('-t', '#', '-C', '2', '--output-dir', path)

    publisher.publish('a/../b', Buffer.from([0, 255]))
    publisher.publish('a//c', '')

    expect(await program.finished()).toMatchObject({ exitCode: 0, stdout: '' })
    const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const found = files.map((file) => [
      file.parentPath.slice(path.length),
      readFileSync(join(file.parentPath, file.name), 'hex'),
    ])
    expect(found.toSorted()).toEqual([
      ['/a/%/c', ''],
      ['/a/%2E%2E/b', '00ff'],
    ])
  })

  it('ends with 12 when a file cannot be written', async () => {
    const path = folder()
    writeFileSync(join(path, 'a'), '')
    const { program, publisher } = await subscribed('-t', '#', '--output-dir', path)

    publisher.publish('a/b', '')

    const { exitCode, stderr } = await program.finished()
    expect(exitCode).toBe(12)
    expect(stderr).toContain(`cannot write ${path}/a/b/`)
  })

  it('makes a folder of every level, and no two topics share it', () => {
    const long = 'x'.repeat(300)
    const names = ['a/b', 'a/b/', '/a/b', '.', '..', '%2E', '', 'a\u0000b', `${long}1`, `${long}2`, 'x-1.bin', 'ü*?']
    const folders = names.map((name) => topicFolders(name).join('/'))

    expect(new Set(folders).size).toBe(names.length)
    expect(folders.flatMap((name) => name.split('/')).every((part) => Buffer.byteLength(part) <= 255)).toBe(true)
    expect(topicFolders(messageFileName(new Date(0), 1))).toEqual(['19700101T000000.000Z-1%2Ebin'])
    expect(topicFolders('../etc')).toEqual(['%2E%2E', 'etc'])
  })
})
