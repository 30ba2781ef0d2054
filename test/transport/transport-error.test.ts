import { describe, expect, it } from 'vitest'
import { codeOf, TransportError, type TransportErrorKind, transportError } from '../../src/transport/transport-error.ts'

const systemError = (code: string, message = code): Error => Object.assign(new Error(message), { code })

describe('a TransportError', () => {
  it.each<[TransportErrorKind, string, string, string]>([
    [
      'connect',
      'mqtt://127.0.0.1:1',
      'ECONNREFUSED',
      'cannot connect to mqtt://127.0.0.1:1: connection refused (ECONNREFUSED): is a broker running there?',
    ],
    [
      'connect',
      'mqtt://nowhere:1883',
      'ENOTFOUND',
      'cannot connect to mqtt://nowhere:1883: no such host (ENOTFOUND): check the host name',
    ],
    [
      'listen',
      'mqtt://127.0.0.1:1883',
      'EADDRINUSE',
      'cannot listen on mqtt://127.0.0.1:1883: address in use (EADDRINUSE): stop the program that listens there, or choose another port',
    ],
    [
      'accept',
      'mqtt://127.0.0.1:1883',
      'EMFILE',
      'cannot accept a connection on mqtt://127.0.0.1:1883: too many open files (EMFILE): raise the limit on open files (ulimit -n) or close some connections',
    ],
    ['connection', '127.0.0.1:5000', 'EPIPE', 'lost the connection to 127.0.0.1:5000: closed by the peer (EPIPE)'],
    [
      'connection',
      '127.0.0.1:5000',
      'ECONNREFUSED',
      'lost the connection to 127.0.0.1:5000: connection refused (ECONNREFUSED)',
    ],
    ['connect', 'mqtt://h:1', 'ESTRANGE', 'cannot connect to mqtt://h:1: the system said this (ESTRANGE)'],
  ])('says what happened, to what, and what to try: %s %s %s', (kind, address, code, message) => {
    const cause = systemError(code, 'the system said this')
    const error = transportError(kind, address, cause)

    expect(error).toMatchObject({ name: 'TransportError', kind, code, address, message, cause })
    expect(error).toBeInstanceOf(TransportError)
  })

  it('has the code UNKNOWN when the cause has none', () => {
    expect(transportError('connect', 'a', new Error('odd')).message).toBe('cannot connect to a: odd (UNKNOWN)')
    expect(transportError('connect', 'a', 'text').code).toBe('UNKNOWN')
  })

  it('has no cause when there is none', () => {
    const error = new TransportError('connect', 'ETIMEDOUT', 'mqtt://h:1', null)

    expect('cause' in error).toBe(false)
  })

  it.each([
    [['ENETUNREACH', 'ECONNREFUSED'], 'ECONNREFUSED'],
    [['ETIMEDOUT', 'ENETUNREACH'], 'ETIMEDOUT'],
    [['EHOSTUNREACH', 'EADDRNOTAVAIL'], 'EHOSTUNREACH'],
    [['EADDRNOTAVAIL', 'EADDRNOTAVAIL'], 'EADDRNOTAVAIL'],
    [[], 'UNKNOWN'],
  ])('reports of several failures %j the most telling one', (codes, code) => {
    expect(codeOf(new AggregateError(codes.map((one) => systemError(one))))).toBe(code)
  })
})
