import { describe, expect, it } from 'vitest'
import { PacketType } from '../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { QoS } from '../../src/codec/qos.ts'
import { run, start } from '../support/program.ts'
import { startBroker } from '../support/test-broker.ts'

/** A broker, a client that is subscribed to `ask`, and a running `rr`. */
async function asked(...args: string[]) {
  const { url, client } = await startBroker()
  const responder = await client()
  await responder.subscribe('ask')
  const program = start(['rr', url, '-t', 'ask', ...args])
  const request = (await responder.expect(PacketType.PUBLISH)).message
  return { program, responder, request, url }
}

/** A broker and a running `rr --serve` that is subscribed. */
async function served(command: string, ...args: string[]) {
  const broker = await startBroker()
  const program = start(['rr', broker.url, '--serve', command, ...args])
  await program.says('answering requests')
  return { ...broker, program }
}

describe('rr', () => {
  it('sends response topic and correlation data, and prints the response that carries the same', async () => {
    const { program, responder, request } = await asked('-m', 'question', '--prop', 'content-type=text/plain')

    const { responseTopic, correlationData, contentType } = request.properties
    expect(request.payload.toString()).toBe('question')
    // below the Response Information of our broker
    expect(responseTopic).toMatch(/^response\/auto-?[^/]+\/[0-9a-f]{16}$/)
    expect(correlationData).toHaveLength(16)
    expect(contentType).toBe('text/plain')
    responder.publish(responseTopic!, Buffer.from([0, 0xff]), { properties: { correlationData: correlationData! } })
    const { exitCode, stdoutBytes, stderr } = await program.finished()
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdoutBytes).toEqual(Buffer.from([0, 0xff, 0x0a]))
  })

  it('refuses other correlation data and none, and goes on waiting', async () => {
    const { program, responder, request } = await asked('-m', 'x', '-e', 'answers', '-v')

    const { correlationData } = request.properties
    responder.publish('answers', 'none')
    responder.publish('answers', 'wrong', { properties: { correlationData: Buffer.from('no') } })
    responder.publish('answers', 'right', { properties: { correlationData: correlationData! } })
    const { exitCode, stdout, stderr } = await program.finished()
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'answers right\n' })
    const wanted = `the request has 0x${correlationData!.toString('hex')}`
    expect(stderr.trimEnd().split('\n')).toEqual([
      `mqtt-kit rr: ignored a message on "answers" with no correlation data; ${wanted}`,
      `mqtt-kit rr: ignored a message on "answers" with correlation data 0x6e6f; ${wanted}`,
    ])
  })

  it('ends with 27 when -W passes, and counts what it refused', async () => {
    const { program, responder } = await asked('-m', 'x', '-e', 'answers', '-W', '1.5')

    responder.publish('answers', 'wrong')
    const { exitCode, stdout, stderr } = await program.finished()
    expect({ exitCode, stdout }).toEqual({ exitCode: 27, stdout: '' })
    expect(stderr).toContain('timeout after 1.5 s: no response came; 1 with wrong correlation data')
  })

  it('takes any response with --no-correlation, and never a retained message', async () => {
    const { url, client } = await startBroker()
    const responder = await client()
    await responder.publishAndWait('answers', 'stale', { qos: QoS.AT_LEAST_ONCE, retain: true })
    await responder.subscribe('ask')
    const program = start(['rr', url, '-t', 'ask', '-n', '-e', 'answers', '--no-correlation'])

    const { message } = await responder.expect(PacketType.PUBLISH)
    expect(message.properties).toEqual({ responseTopic: 'answers' })
    responder.publish('answers', 'fresh')
    expect(await program.finished()).toMatchObject({ exitCode: 0, stdout: 'fresh\n' })
  })

  it('uses -e alone at 3.1.1, and says that nothing can be checked', async () => {
    const { program, responder, request } = await asked('-m', 'x', '-e', 'answers', '-V', '3.1.1')

    expect(request.properties).toEqual({})
    responder.publish('answers', 'y')
    const { exitCode, stdout, stderr } = await program.finished()
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'y\n' })
    expect(stderr).toBe(
      'mqtt-kit rr: MQTT 3.1.1 has no correlation data: any message on "answers" counts as the response\n',
    )
  })

  it('asks -C times with new correlation data each, and tells the latency on stderr', async () => {
    const { program, responder, request } = await asked('-m', 'x', '-q', '1', '-C', '3', '--latency')

    const seen = [request]
    for (let i = 0; ; i++) {
      const { responseTopic, correlationData } = seen[i]!.properties
      responder.publish(responseTopic!, String(i), { properties: { correlationData: correlationData! } })
      if (i === 2) break
      seen.push((await responder.expect(PacketType.PUBLISH)).message)
    }
    const { exitCode, stdout, stderr } = await program.finished()
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '0\n1\n2\n' })
    expect(new Set(seen.map(({ properties }) => properties.correlationData!.toString('hex'))).size).toBe(3)
    expect(stderr.match(/response after \d+\.\d{3} ms/g)).toHaveLength(3)
    expect(stderr).toMatch(/3 responses, mean \d+\.\d{3} ms, slowest \d+\.\d{3} ms/)
  })

  it('says when nobody is subscribed to the topic of the request', async () => {
    const { url } = await startBroker()
    const program = start(['rr', url, '-t', 'ask', '-m', 'x', '-q', '1'])

    await program.says('nobody is subscribed to "ask": 0x10 No matching subscribers')
    program.child.kill('SIGINT')
    expect(await program.finished()).toMatchObject({ exitCode: 130 })
  })

  it('ends with 7 when the connection is lost, for the request is lost too', async () => {
    const { url, client, broker } = await startBroker()
    const responder = await client()
    await responder.subscribe('ask')
    const program = start(['rr', url, '-t', 'ask', '-m', 'x'])
    await responder.expect(PacketType.PUBLISH)

    await broker.stop()
    expect(await program.finished()).toMatchObject({ exitCode: 7, stdout: '' })
  })

  it('ends with 3 when there is no broker', async () => {
    expect(await run(['rr', 'mqtt://127.0.0.1:1', '-t', 'ask', '-m', 'x'])).toMatchObject({ exitCode: 3, stdout: '' })
  })

  it.each([
    [['-t', 'a'], 'there is no request: add -m TEXT'],
    [['-t', 'a', '-m', 'x', '--serve', 'cat'], '-m, --serve do not go together'],
    [['-m', 'x'], 'there is no topic: add -t TOPIC'],
    [['-t', 'a/+', '-m', 'x'], 'the wildcards + and # stand in filters only'],
    [['-t', 'a', '-m', 'x', '-V', '3.1.1'], 'add -e TOPIC, known to both sides'],
    [['-t', 'a', '--serve', 'cat', '--latency'], '--latency does not go with --serve'],
    [['-t', 'a', '-m', 'x', '--prop', 'response-topic=b'], 'the response topic is given with -e'],
    [['-t', 'a', '-m', 'x', '-C', '2', '--prop', 'correlation-data=b'], 'tells one request only'],
  ])('%j is a usage error', async (args, text) => {
    expect(await run(['rr', ...args])).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(text) })
  })
})

describe('rr --serve', () => {
  it('answers with the output of the command, to the response topic and with the correlation data', async () => {
    const { program, client } = await served('printf "$MQTT_TOPIC: "; tr a-z A-Z', '-t', 'ask/+', '-C', '2')
    const requester = await client()
    await requester.subscribe('me')

    for (const word of ['one', 'two']) {
      requester.publish(`ask/${word}`, word, {
        properties: { responseTopic: 'me', correlationData: Buffer.from(word) },
      })
    }

    for (const word of ['one', 'two']) {
      const { message } = await requester.expect(PacketType.PUBLISH)
      expect(message.payload.toString()).toBe(`ask/${word}: ${word.toUpperCase()}`)
      expect(message.properties).toEqual({ correlationData: Buffer.from(word) })
    }
    expect(await program.finished()).toMatchObject({ exitCode: 0, stdout: '' })
  })

  it('does not answer when the command fails or the request names no response topic, and says so', async () => {
    const { program, client } = await served('read -r code; exit $code', '-t', 'ask', '-C', '2')
    const requester = await client()
    await requester.subscribe('me')

    requester.publish('ask', 'nowhere to go')
    requester.publish('ask', '3\n', { properties: { responseTopic: 'me' } })
    requester.publish('ask', '0\n', { properties: { responseTopic: 'me' } })

    const { message } = await requester.expect(PacketType.PUBLISH)
    expect(message.payloadBytes).toBe(0)
    const { exitCode, stderr } = await program.finished()
    expect(exitCode).toBe(0)
    expect(stderr).toContain('a request on "ask" has no response topic; -e names one for these')
    expect(stderr).toContain('the command ended with 3: no answer to the request on "ask"')
  })

  it.each([
    ['5', ProtocolVersion.V5],
    ['3.1.1', ProtocolVersion.V3_1_1],
  ])('answers on -e what names no response topic, at %s', async (name, version) => {
    const { client } = await served('cat', '-t', '#', '-e', 'answers', '-V', name)
    const requester = await client({ version })
    await requester.subscribe('answers')

    requester.publish('ask', 'hello')

    expect((await requester.expect(PacketType.PUBLISH)).message.payload.toString()).toBe('hello')
  })

  it('answers 100 requests that come at once, though it pauses reading meanwhile, acknowledgements too', async () => {
    const { program, client } = await served('cat', '-t', 'ask', '-q', '1', '-C', '100')
    const requester = await client()
    await requester.subscribe('me')

    for (let i = 0; i < 100; i++) requester.publish('ask', `${i}`, { properties: { responseTopic: 'me' } })

    const answers: string[] = []
    while (answers.length < 100) answers.push((await requester.expect(PacketType.PUBLISH)).message.payload.toString())
    expect(answers).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`))
    expect((await program.finished()).exitCode).toBe(0)
  })

  it('ends its command and itself with 0 at Ctrl-C', async () => {
    const { program, client } = await served('echo running >&2; sleep 1000', '-t', 'ask')
    const requester = await client()
    requester.publish('ask', '', { properties: { responseTopic: 'me' } })
    await program.says('running')

    program.child.kill('SIGINT')

    // stderr of the command is ours: it closes only when all of the command is gone
    expect(await program.finished()).toMatchObject({ exitCode: 0 })
  })

  it('answers our own rr', async () => {
    const { url } = await served('tr a-z A-Z', '-t', '$share/workers/ask')

    expect(await run(['rr', url, '-t', 'ask', '-m', 'hello', '-q', '2'])).toMatchObject({
      exitCode: 0,
      stdout: 'HELLO\n',
      stderr: '',
    })
  })
})
