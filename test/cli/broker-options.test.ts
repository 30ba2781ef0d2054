import { describe, expect, it } from 'vitest'
import { completeLimits, limitRows } from '../../src/broker/limits.ts'
import { UsageError } from '../../src/cli/failure.ts'
import { brokerOptions } from '../../src/cli/options/broker-options.ts'
import { limitKeys } from '../../src/cli/options/limits.ts'
import { longName } from '../../src/cli/options/option-row.ts'
import { merged, parse } from '../../src/cli/options/parse.ts'
import { serveRows } from '../../src/cli/options/serve.ts'

function options(line: string) {
  return brokerOptions(merged(parse(line === '' ? [] : line.split(' '), serveRows, {})!))
}

describe('the options of the broker', () => {
  it('are a listener on the loopback interface and port 1883', () => {
    expect(options('')).toMatchObject({ host: '127.0.0.1', port: 1883, listen: [] })
  })

  it('leave port 1883 alone when --listen names other places', () => {
    expect(options('--listen mqtt://127.0.0.1:1884')).toMatchObject({ port: null, listen: ['mqtt://127.0.0.1:1884'] })
    expect(options('--listen mqtt://127.0.0.1:1884 -p 0')).toMatchObject({ port: 0 })
  })

  it.each(['-h 0.0.0.0', '-h ::', '-h 192.0.2.1', '-h example.com', '--listen mqtt://:1883', '--listen mqtt://[::]:0'])(
    'are refused for %s without authentication',
    (line) => {
      expect(() => options(line)).toThrow(UsageError)
      expect(() => options(line)).toThrow('add --user NAME:PASSWORD or --password-file, or --allow-anonymous')
      expect(() => options(`${line} --allow-anonymous`)).not.toThrow()
      expect(() => options(`${line} --user ann:secret`)).not.toThrow()
      expect(() => options(`${line} --password-file users`)).not.toThrow()
    },
  )

  it('need no other authentication where all listeners that can be reached take names from certificates', () => {
    const line = '--listen mqtts://0.0.0.0:8883 --tls-cert a --tls-key b --tls-ca c --require-client-cert --cert-user'

    expect(() => options(line)).not.toThrow()
    expect(() => options(line.replace(' --cert-user', ''))).toThrow('other machines can reach 0.0.0.0')
    expect(() => options(`${line} --listen mqtt://0.0.0.0:1883`)).toThrow('other machines can reach 0.0.0.0')
  })

  it.each(['-h localhost', '-h ::1', '-h 127.8.9.1', '--listen unix:/tmp/mqtt.sock', '--listen mqtt://[::1]:0'])(
    'are accepted for %s without authentication',
    (line) => {
      expect(() => options(line)).not.toThrow()
    },
  )

  it('take requests with --http or --admin, and administrators have to prove who they are', () => {
    expect(options('')).toMatchObject({ control: false })
    expect(options('--http 0')).toMatchObject({ control: true })
    expect(options('--admin ann --user ann:secret')).toMatchObject({ control: true })
    expect(() => options('--admin ann')).toThrow('--admin names a user, and nobody has to prove a name here')
  })

  it.each(Object.entries(limitKeys))('set %s by --%s', (name, key) => {
    const { minimum } = limitRows[name as keyof typeof limitRows]

    const { limits } = options(`--${longName(key)} ${minimum}`)

    expect(limits).toEqual({ [name]: minimum })
    expect(() => completeLimits(limits)).not.toThrow()
  })

  it.each([
    ['--queue-overflow drop-oldest', { queueOverflow: 'drop-oldest' }],
    ['--queue-qos0', { queueQos0: true }],
    ['--check-payload-format', { checkPayloadFormat: true }],
    ['--no-wildcards', { wildcardSubscriptionAvailable: false }],
    ['--no-shared', { sharedSubscriptionAvailable: false }],
    ['--no-subscription-ids', { subscriptionIdentifierAvailable: false }],
    ['--no-session-owners', { sessionsHaveOwners: false }],
  ])('follow %s', (line, expected) => {
    expect(options('')).not.toMatchObject(expected)
    expect(options(line)).toMatchObject(expected)
  })

  it('keep no retained messages with --no-retain', () => {
    expect(options('')).toMatchObject({ retainAvailable: true })
    expect(options('--no-retain')).toMatchObject({ retainAvailable: false })
  })

  it('make listeners of --tls-port and --wss-port', () => {
    const { listen } = options('--tls-port 8883 --wss-port 0 --tls-cert a --tls-key b')

    expect(listen).toEqual(['mqtts://127.0.0.1:8883', 'wss://127.0.0.1:0/mqtt'])
  })

  it.each([
    [
      '--tls-port 8883',
      'mqtts://127.0.0.1:8883 needs a certificate and its key: add --tls-cert FILE and --tls-key FILE, or --tls-dev',
    ],
    ['--wss-port 0 --tls-cert a', 'add --tls-key FILE'],
    [
      '--listen mqtts://127.0.0.1 --tls-key a',
      'mqtts://127.0.0.1 needs a certificate and its key: add --tls-cert FILE, or --tls-dev',
    ],
    ['--require-client-cert', '--require-client-cert needs a listener with TLS'],
  ])('are refused for %s', (line, message) => {
    expect(() => options(line)).toThrow(UsageError)
    expect(() => options(line)).toThrow(message)
  })
})
