import { describe, expect, it } from 'vitest'
import { commands } from '../../src/cli/commands.ts'
import { shownClient } from '../../src/cli/configuration/shown-client.ts'
import { environmentName, longName, type OptionRow, ValueError } from '../../src/cli/options/option-row.ts'
import { parse } from '../../src/cli/options/parse.ts'
import { run } from '../support/program.ts'
import { startBroker } from '../support/test-broker.ts'

const specs = await Promise.all(commands.map((command) => command.spec()))
const clients = specs.filter(({ rows }) => 'profile' in rows)

/** One of them is a value of each kind there is. */
const SOMETHING = [
  '1',
  '64',
  '4096',
  '1s',
  '1%',
  '0.5',
  'a',
  'a=1',
  '10..20',
  'payload > 1',
  'latency.response.p99Ms > 1',
  '0'.repeat(64),
  'a:b',
  '::1',
  'mqtt://a',
  'http://a',
]

function valueFor(row: OptionRow<unknown>): string {
  const candidates = row.value?.choices ?? [...SOMETHING, row.default ?? '']
  const found = candidates.find((text) => {
    try {
      row.collect(undefined, text)
      return true
    } catch (error) {
      if (error instanceof ValueError) return false
      throw error
    }
  })
  if (found === undefined) throw new Error(`no value for ${row.value?.name}, ${row.help}: add one`)
  return found
}

const settable = specs.flatMap((spec) =>
  Object.entries(spec.rows)
    .filter(([, row]) => row.environment !== false)
    .map(([key, row]) => [spec, key, row] as const),
)

describe('an environment variable', () => {
  it('says what its option says, for every option of every command', () => {
    const differing = settable.filter(([{ rows }, key, row]) => {
      const text = row.value === null ? '1' : valueFor(row)
      const argv = row.value === null ? [`--${longName(key)}`] : [`--${longName(key)}=${text}`]
      const { environment } = parse([], rows, { [environmentName(key)]: text })!
      const { flags } = parse(argv, rows, {})!
      return !(key in environment) || JSON.stringify(environment[key]) !== JSON.stringify(flags[key])
    })

    expect(settable.length).toBeGreaterThan(300)
    expect(differing.map(([{ name }, key]) => `${name} ${key}`)).toEqual([])
  })

  it('is what --show-config names, for every option of every client', () => {
    const unnamed = settable.filter(([spec, key, row]) => {
      if (!clients.includes(spec)) return false
      const variable = environmentName(key)
      const environment = { [variable]: row.value === null ? '1' : valueFor(row), XDG_CONFIG_HOME: '/' }
      const shown = shownClient(spec, parse([], spec.rows, environment)!, environment)
      return !shown.split('\n').some((line) => line.startsWith(`${longName(key)} `) && line.endsWith(` ${variable}`))
    })

    expect(unnamed.map(([{ name }, key]) => `${name} ${key}`)).toEqual([])
  })

  it('reaches the broker', async () => {
    const { url, client, logged, broker } = await startBroker({ users: new Map([['ann', 'secret']]) })
    const { hostname, port } = new URL(url)
    const subscriber = await client({ userName: 'ann', password: Buffer.from('secret') })
    await subscriber.subscribe('from/environment')
    const environment = {
      MQTT_KIT_HOST: hostname,
      MQTT_KIT_PORT: port,
      MQTT_KIT_USER: 'ann',
      MQTT_KIT_PASSWORD: 'secret',
      MQTT_KIT_ID: 'me',
      MQTT_KIT_TOPIC: 'from/environment',
      MQTT_KIT_QOS: '1',
      MQTT_KIT_RETAIN: '1',
      MQTT_KIT_KEEPALIVE: '7',
      MQTT_KIT_WILL_TOPIC: 'will',
      MQTT_KIT_WILL_PAYLOAD: 'gone',
      MQTT_KIT_SESSION_EXPIRY: '9',
      MQTT_KIT_DEBUG: '1',
    }

    const { exitCode, stderr } = await run(['pub', '-m', 'x'], { environment })

    expect(exitCode).toBe(0)
    expect(stderr).toMatch(/-> CONNECT 5\.0 client-id="me" clean-start keep-alive=7s .*user="ann" password=\*\*\*/)
    expect(stderr).toMatch(/-> CONNECT .*will/)
    expect(stderr).toMatch(/-> CONNECT .*session-expiry-interval=9/)
    expect(stderr).toMatch(/-> PUBLISH id=1 qos=1 retain /)
    expect(await subscriber.message()).toMatchObject({ topic: 'from/environment', payload: 'x' })
    expect((await logged('connect', 'me')).clientId).toBe('me')
    expect(broker.url).toBe(url)
  })

  it('with a topic or a password file is weaker than a URL that has one', async () => {
    const { url, client } = await startBroker({ users: new Map([['ann', 'secret']]) })
    const subscriber = await client({ userName: 'ann', password: Buffer.from('secret') })
    await subscriber.subscribe('#')
    const environment = { MQTT_KIT_TOPIC: 'environment', MQTT_KIT_PASSWORD_FILE: '/nowhere' }

    const outcome = await run(['pub', `${url.replace('//', '//ann:secret@')}/url`, '-m', 'x'], { environment })

    expect(outcome).toMatchObject({ exitCode: 0, stderr: '' })
    expect((await subscriber.message()).topic).toBe('url')
  })
})
