import { describe, expect, it } from 'vitest'
import { ConditionError, parseCondition } from '../../src/cli/input/condition.ts'
import { messageLookup, messageNames } from '../../src/cli/output/message-lookup.ts'
import { Message } from '../../src/codec/message.ts'
import { Publish } from '../../src/codec/packets/publish.ts'

const message = Message.create('room/1', '{"temperature": 21.5, "tags": ["a"], "ok": true, "none": null}', {
  retain: true,
  properties: { contentType: 'application/json' },
})

function holds(condition: string, publish = new Publish(message, 1, false, 5)): boolean {
  return parseCondition(condition, messageNames)(messageLookup(publish, 3))
}

describe('a condition', () => {
  it.each([
    'topic == "room/1"',
    "topic == 'room/1'",
    'payload.temperature > 20 && payload.temperature <= 21.5',
    'payload.temperature < 20 || qos == 1',
    'qos == 2 || qos == 0 || retain',
    '!(qos == 2)',
    '!dup && retain',
    'payload.ok == true && payload.none == null && payload.missing == null',
    'payload.tags.0 == "a"',
    'payload =~ "temp.*21"',
    'topic !~ "^hall/"',
    'size > 10 && count == 3 && count != 2',
    'properties.contentType == "application/json"',
    'payload.ok',
    'payload.temperature == "21.5"',
  ])('%s holds', (condition) => {
    expect(holds(condition)).toBe(true)
  })

  it.each([
    'payload.missing > 0',
    'payload.missing < 0',
    'payload.none',
    'payload.temperature.x == 1',
    'payload.constructor',
    'topic == "room/1" && qos == 0',
    'payload.ok == "true"',
  ])('%s does not hold', (condition) => {
    expect(holds(condition)).toBe(false)
  })

  it('compares a payload that is a bare number, and finds nothing in bytes that are no JSON', () => {
    expect(holds('payload >= 10', new Publish(Message.create('a', '12.5'), 0, false, 0))).toBe(true)
    expect(holds('payload.a == 1', new Publish(Message.create('a', Buffer.from([0xff])), 0, false, 0))).toBe(false)
  })

  it.each([
    ['', /compare/],
    ['topic ==', /at the end/],
    ['topic == room', /one of topic, payload.*not room/],
    ['(qos == 1', /a \) for each/],
    ['qos == 1 qos', /before qos/],
    ['qos = 1', /can be read at/],
    ['topic =~ "("', /regular expression/],
    ['topic =~ 1', /in quotes/],
    ['topic == "\\q"', /a string as in JSON/],
  ])('is refused when it is %s', (condition, message) => {
    expect(() => parseCondition(condition, messageNames)).toThrow(ConditionError)
    expect(() => parseCondition(condition, messageNames)).toThrow(message)
  })
})
