import { describe, expect, it } from 'vitest'
import { run } from '../support/program.ts'
import { startBroker } from '../support/test-broker.ts'

const SCRAM = ['pub', '-t', 'a', '-m', 'x', '--auth-method', 'scram-sha-256']

describe('--auth-method', () => {
  it.each([
    ['secret', 0],
    ['wrong', 5],
  ])('with the password %j ends with exit code %i', async (password, exitCode) => {
    const { url } = await startBroker({ users: new Map([['ann', 'secret']]) })

    const ended = await run([...SCRAM, '-u', 'ann', '-P', password, url])
    expect(ended.exitCode).toBe(exitCode)
  })

  it.each([
    [['-u', 'ann'], 'needs a user name (-u) and a password'],
    [['-u', 'ann', '-P', 'x', '-V', '3.1.1'], '--auth-method needs MQTT 5.0, and -V asks for 3.1.1'],
    [['-u', 'ann', '-P', 'x', '-D', 'connect', 'authentication-method', 'A'], 'given twice'],
  ])('ends with exit code 2 beside %j', async (args, message) => {
    const { exitCode, stderr } = await run([...SCRAM, ...args])

    expect(stderr).toContain(message)
    expect(exitCode).toBe(2)
  })
})
