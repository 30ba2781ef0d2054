import { describe, expect, it } from 'vitest'
import { QoS } from '../../src/codec/qos.ts'
import { type Outcome, type Program, run, shell, start } from '../support/program.ts'
import { startBroker } from '../support/test-broker.ts'

/** A broker, a running `sub` that is subscribed, and a client to publish with. */
async function subscribed(...args: string[]) {
  const { broker, url, client, logged } = await startBroker()
  const program = start(['sub', url, '-d', ...args])
  await program.says('<- SUBACK')
  return { broker, url, client, logged, program, publisher: await client() }
}

async function endOf(program: Program): Promise<Omit<Outcome, 'stderr'>> {
  const { stderr: _, ...others } = await program.finished()
  return others
}

const BYTES = Buffer.from([0x00, 0xff, 0x0d, 0x0a, 0x61, 0xc3])

describe('sub', () => {
  it('prints the payload byte for byte and a newline', async () => {
    const { program, publisher } = await subscribed('-t', 'a', '-C', '2')

    publisher.publish('a', BYTES)
    publisher.publish('a', '')

    const { exitCode, stdoutBytes } = await endOf(program)
    expect(exitCode).toBe(0)
    expect(stdoutBytes).toEqual(Buffer.concat([BYTES, Buffer.from('\n\n')]))
  })

  it('prints no newline with -N, and the topic with -v', async () => {
    const { program, publisher } = await subscribed('-t', 'a/#', '-C', '2', '-N', '-v')

    publisher.publish('a/b', 'x')
    publisher.publish('a/c', 'y')

    expect((await endOf(program)).stdout).toBe('a/b xa/c y')
  })

  it('prints one JSON object per line with --json', async () => {
    const { program, publisher } = await subscribed('-t', 'a', '-q', '1', '-C', '2', '--json')

    publisher.publish('a', 'grün "\n"', {
      qos: QoS.AT_LEAST_ONCE,
      properties: { contentType: 'text/plain', userProperties: [['a', 'b']], correlationData: Buffer.from([0xff]) },
    })
    publisher.publish('a', BYTES)

    const { stdout } = await endOf(program)
    const [first, second] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(first).toEqual({
      topic: 'a',
      payload: 'grün "\n"',
      qos: 1,
      retain: false,
      dup: false,
      packetId: 1,
      properties: { contentType: 'text/plain', userProperties: [['a', 'b']], correlationDataBase64: '/w==' },
      receivedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    })
    expect(second).toMatchObject({ payloadBase64: BYTES.toString('base64'), packetId: null, properties: {} })
    expect(second).not.toHaveProperty('payload')
  })

  it('prints exactly as many messages as -C says', async () => {
    const { program, publisher } = await subscribed('-t', 'a', '-C', '2')

    // one write: all five are in one chunk
    publisher.socket.cork()
    for (const text of ['1', '2', '3', '4', '5']) publisher.publish('a', text)
    publisher.socket.uncork()

    expect(await endOf(program)).toMatchObject({ exitCode: 0, stdout: '1\n2\n' })
  })

  it.each([1, 2])('acknowledges at QoS %i what it has printed, and leaves the rest to the next run', async (qos) => {
    const { url, client, logged } = await startBroker()
    const session = ['sub', url, '-t', 'a', '-q', String(qos), '-c', '-i', 'me']
    expect((await run([...session, '-E'])).exitCode).toBe(0)
    await logged('disconnect', 'me')
    const publisher = await client()
    for (const text of ['1', '2', '3', '4', '5']) await publisher.publishAndWait('a', text, { qos: qos as QoS })

    const outcomes = [
      await run([...session, '-C', '2']),
      await run([...session, '-C', '2']),
      await run([...session, '-C', '1']),
    ]

    expect(outcomes.map(({ stdout }) => stdout)).toEqual(['1\n2\n', '3\n4\n', '5\n'])
  })

  it('leaves out what -T matches and what is retained with -R', async () => {
    const { url, client } = await startBroker()
    const publisher = await client()
    await publisher.publishAndWait('a/old', 'old', { qos: QoS.AT_LEAST_ONCE, retain: true })
    const program = start(['sub', url, '-t', 'a/#', '-T', 'a/b/#', '-R', '-C', '1', '-v', '-d'])
    await program.says('<- SUBACK')

    publisher.publish('a/b/c', 'no')
    publisher.publish('a/c', 'yes')

    expect((await endOf(program)).stdout).toBe('a/c yes\n')
  })

  it('prints retained messages only with --retained-only, and ends at the first other one', async () => {
    const { url, client } = await startBroker()
    const publisher = await client()
    for (const topic of ['a/1', 'a/2'])
      await publisher.publishAndWait(topic, topic, { qos: QoS.AT_LEAST_ONCE, retain: true })
    const program = start(['sub', url, '-t', 'a/+', '--retained-only'])
    await program.says('a/2')

    publisher.publish('a/3', 'live')

    expect(await endOf(program)).toMatchObject({ exitCode: 0, stdout: 'a/1\na/2\n' })
  })

  it('ends a subscription of its session with -U', async () => {
    const { url, client } = await startBroker()
    const session = ['sub', url, '-c', '-i', 'me', '-q', '1']
    await run([...session, '-t', 'a', '-t', 'b', '-E'])
    expect((await run([...session, '-U', 'a', '-E'])).exitCode).toBe(0)
    const publisher = await client()
    await publisher.publishAndWait('a', 'no', { qos: QoS.AT_LEAST_ONCE })
    await publisher.publishAndWait('b', 'yes', { qos: QoS.AT_LEAST_ONCE })

    expect((await run([...session, '-t', 'b', '-C', '1', '-v'])).stdout).toBe('b yes\n')
  })

  it('sends subscription options and properties', async () => {
    const { program, publisher } = await subscribed(
      ...['-t', 'a', '--retain-as-published', '--prop', 'subscription-identifier=7', '-C', '1', '--json'],
    )

    publisher.publish('a', 'x', { retain: true })

    const { stdout } = await endOf(program)
    expect(JSON.parse(stdout)).toMatchObject({ retain: true, properties: { subscriptionIdentifiers: [7] } })
    expect(program.stderr).toContain('-> SUBSCRIBE id=1 "a" (qos=0 retain-as-published) subscription-identifier=7')
  })

  it('prints 100,000 messages without loss through a pipe', async () => {
    const { url, program } = await subscribed('-t', 'a', '-q', '1', '-C', '100000')
    const lines = Array.from({ length: 100_000 }, (_, i) => `message ${i}\n`).join('')

    const published = run(['pub', url, '-t', 'a', '-l', '-q', '1'], { input: lines })

    expect((await endOf(program)).stdout).toBe(lines)
    expect((await published).exitCode).toBe(0)
  })

  it('delivers every byte to a pipe that is read late', async () => {
    const { url, client } = await startBroker()
    const publisher = await client()
    const payload = Buffer.alloc(3_000_000, 'payload ')
    await publisher.publishAndWait('big', payload, { qos: QoS.AT_LEAST_ONCE, retain: true })
    const program = start(['sub', url, '-t', 'big', '-C', '1', '-N', '-d'], { readStdout: false })
    await program.says('-> DISCONNECT')

    program.readStdout()

    const { exitCode, stdoutBytes } = await endOf(program)
    expect(exitCode).toBe(0)
    expect(stdoutBytes.equals(payload)).toBe(true)
  })

  it('ends quietly with 0 when the reader of its stdout goes', async () => {
    const { url, client } = await startBroker()
    const publisher = await client()
    const program = shell(`mqtt-kit sub ${url} -t a -i me -d | head -1`)
    await program.says('<- SUBACK')

    publisher.publish('a', 'first')
    await program.says('first\n')
    const timer = setInterval(() => publisher.publish('a', 'more'), 10)

    const { exitCode, stdout, stderr } = await program.finished()
    clearInterval(timer)
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'first\n' })
    expect(stderr).toContain('-> DISCONNECT 0x00 Normal disconnection')
    expect(stderr).not.toContain('EPIPE')
  })

  it('ends with 12 when the disk is full', async () => {
    const { url, client } = await startBroker()
    await (await client()).publishAndWait('a', 'x', { qos: QoS.AT_LEAST_ONCE, retain: true })

    const { exitCode, stderr } = await shell(`mqtt-kit sub ${url} -t a > /dev/full`).finished()

    expect(exitCode).toBe(12)
    expect(stderr).toMatch(/^mqtt-kit sub: cannot write to stdout: ENOSPC.*\n$/)
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('says goodbye on %s and ends with 0, its will silent', async (signal) => {
    const { program, client } = await subscribed('-t', 'a', '--will-topic', 'will')
    const watcher = await client()
    await watcher.subscribe('will')

    program.kill(signal)

    expect((await endOf(program)).exitCode).toBe(0)
    expect(program.stderr).toContain('-> DISCONNECT 0x00 Normal disconnection')
    await watcher.quiet()
  })

  it('publishes its will on SIGINT with --will-on-exit', async () => {
    const { program, client } = await subscribed('-t', 'a', '--will-topic', 'will', '--will-on-exit')
    const watcher = await client()
    await watcher.subscribe('will')

    program.kill('SIGINT')

    expect((await watcher.message()).topic).toBe('will')
    expect(program.stderr).toContain('-> DISCONNECT 0x04 Disconnect with Will Message')
  })

  it('takes filters from the path of the URL, wildcards and all', async () => {
    const { url, client } = await startBroker()
    const program = start(['sub', `${url}/a/+/#`, '-C', '1', '-v', '-d'])
    await program.says('<- SUBACK')

    ;(await client()).publish('a/b/c', 'x')

    expect((await endOf(program)).stdout).toBe('a/b/c x\n')
  })

  it.each([
    [[], 'there is no topic filter: add -t FILTER'],
    [['-t', 'a', '-R', '--retained-only'], 'give either -R or --retained-only, not both'],
    [['-t', 'a#'], '-t "a#": expected a topic filter: # stands alone on the last level'],
    [['-t', 'a', '--no-local', '-V', '3.1.1'], '--no-local needs MQTT 5.0'],
    [['-t', '$share/g/a', '--no-local'], '--no-local does not go with the shared filter $share/g/a'],
    [['-t', 'a', '-C', '0'], '-C "0": expected a whole number from 1 up'],
    [['-t', 'a', '--prop', 'connect.authentication-data=x'], 'Authentication Data without Authentication Method'],
  ])('ends with exit code 2 for %j', async (args, message) => {
    const { exitCode, stdout, stderr } = await run(['sub', ...args])

    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toMatch(/^mqtt-kit sub: .*\n$/)
    expect(stderr).toContain(message)
  })
})
