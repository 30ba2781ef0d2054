import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { HttpSource, type HttpTerms } from '../../src/access/http-source.ts'
import type { Credentials } from '../../src/broker/access.ts'

type Answer = (response: ServerResponse, question: Record<string, unknown>) => void

/** A service that answers as the test says, and a source that asks it. */
async function service(answer: Answer, terms: Partial<HttpTerms> = {}) {
  const questions: Record<string, unknown>[] = []
  const server = createServer(async (request: IncomingMessage, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    questions.push(JSON.parse(body) as Record<string, unknown>)
    answer(response, questions.at(-1)!)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const clock = { nowMs: 0 }
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/auth`
  const source = new HttpSource({ url, timeoutMs: 5000, cacheMs: 60_000, ...terms }, () => clock.nowMs)
  const ask = async (given: Partial<Credentials> = {}) =>
    source.authenticate({
      clientId: 'c',
      userName: 'ann',
      password: Buffer.from('x'),
      remoteAddress: '10.0.0.1:99',
      ...given,
    })
  return { ask, questions, clock, server }
}

const status =
  (code: number, body = ''): Answer =>
  (response) =>
    response.writeHead(code).end(body)

it.each([
  [204, '', { identity: 'ann' }],
  [200, 'fine', { identity: 'ann' }],
  [200, '{"result":"allow"}', { identity: 'ann' }],
  [200, '{"result":"deny"}', { refused: 0x87, reason: 'the service denies it' }],
  [200, '{"result":"ignore"}', null],
  [401, '', { refused: 0x86, reason: 'the service answers 401' }],
  [403, '', { refused: 0x87, reason: 'the service answers 403' }],
  [404, '', null],
])('an answer of %d %s counts as %o', async (code, body, expected) => {
  const { ask } = await service(status(code, body))
  expect(await ask()).toEqual(expected)
})

it('the service is told who asks, with a password that is no text in base64', async () => {
  const { ask, questions } = await service(status(204))
  await ask()
  await ask({ userName: null, password: Buffer.from([0xff, 0]) })
  await ask({ password: null })
  expect(questions).toEqual([
    { clientId: 'c', userName: 'ann', password: 'x', remoteAddress: '10.0.0.1:99' },
    { clientId: 'c', userName: null, passwordBase64: '/wA=', remoteAddress: '10.0.0.1:99' },
    { clientId: 'c', userName: 'ann', password: null, remoteAddress: '10.0.0.1:99' },
  ])
})

it('an answer is remembered for its time, for the same question from the same host', async () => {
  const { ask, questions, clock } = await service(status(401))
  for (const remoteAddress of ['10.0.0.1:1', '10.0.0.1:2'])
    expect(await ask({ remoteAddress })).toMatchObject({ refused: 0x86 })
  expect(questions).toHaveLength(1)
  clock.nowMs = 59_999
  await ask()
  expect(questions).toHaveLength(1)
  clock.nowMs = 60_000
  await ask()
  await ask({ password: Buffer.from('y') })
  await ask({ remoteAddress: '10.0.0.2:1' })
  expect(questions).toHaveLength(4)
})

it('the same question is asked once at a time', async () => {
  const { ask, questions } = await service(status(204), { cacheMs: 0 })
  expect(await Promise.all([ask(), ask(), ask()])).toEqual(Array(3).fill({ identity: 'ann' }))
  expect(questions).toHaveLength(1)
  await ask()
  expect(questions).toHaveLength(2)
})

it('no more than 32 requests are under way, and the others have their turn', async () => {
  const open: ServerResponse[] = []
  let most = 0
  const { ask } = await service((response) => {
    open.push(response)
    most = Math.max(most, open.length)
    setImmediate(() => {
      open.splice(open.indexOf(response), 1)
      response.writeHead(204).end()
    })
  })
  const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => ask({ clientId: String(i) })))
  expect(answers).toEqual(Array(200).fill({ identity: 'ann' }))
  expect(most).toBeLessThanOrEqual(32)
})

it.each<[string, Answer, string]>([
  ['answers 500', status(500), 'answers 500'],
  ['answers what nobody knows', status(200, '{"result":"perhaps"}'), 'answers with the unknown result "perhaps"'],
  [
    'answers without end',
    (response) => response.writeHead(200).end('x'.repeat(100_000)),
    'answers with more than 65536 bytes',
  ],
  ['sends elsewhere', (response) => response.writeHead(302, { location: '/' }).end(), 'redirect'],
  ['hangs up', (response) => response.destroy(), ''],
])('a service that %s refuses with 0x88, and that is not remembered', async (_what, answer, reason) => {
  let isWell = false
  const { ask } = await service((response, question) =>
    isWell ? response.writeHead(204).end() : answer(response, question),
  )
  const refusal = await ask()
  expect(refusal).toMatchObject({ refused: 0x88 })
  expect((refusal as { reason: string }).reason).toContain(reason)
  isWell = true
  expect(await ask()).toEqual({ identity: 'ann' })
})

it('a service that says nothing refuses with 0x88 when its time is over', async () => {
  const { ask } = await service(() => {}, { timeoutMs: 20 })
  expect(await ask()).toMatchObject({ refused: 0x88, reason: expect.stringContaining('did not answer in 20 ms') })
})

it('a service that is not there refuses with 0x88', async () => {
  const source = new HttpSource({ url: 'http://127.0.0.1:9/', timeoutMs: 5000, cacheMs: 0 })
  const answer = await source.authenticate({ clientId: 'c', userName: 'a', password: null, remoteAddress: '' })
  expect(answer).toMatchObject({ refused: 0x88 })
})
