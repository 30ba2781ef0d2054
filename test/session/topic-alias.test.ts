import { describe, expect, it } from 'vitest'
import { ReasonCode } from '../../src/codec/reason-code.ts'
import { IncomingTopicAliases, OutgoingTopicAliases } from '../../src/session/topic-alias.ts'
import { publish } from '../support/packets.ts'

const { TOPIC_ALIAS_INVALID, PROTOCOL_ERROR } = ReasonCode

describe('IncomingTopicAliases', () => {
  const resolve = (aliases: IncomingTopicAliases, topicName: string, topicAlias: number) =>
    aliases.resolve(publish(topicName, 'x', { topicAlias }))

  it('A-01 leaves a message without alias as it is', () => {
    const plain = publish('t', 'x')

    expect(new IncomingTopicAliases(0).resolve(plain)).toBe(plain.message)
  })

  it('A-01 [v5:MQTT-3.3.2-10] sets aliases from 1 to the maximum and uses them', () => {
    const aliases = new IncomingTopicAliases(2)
    resolve(aliases, 'one', 1)
    resolve(aliases, 'two', 2)

    expect([resolve(aliases, '', 1).topicName, resolve(aliases, '', 2).topicName]).toEqual(['one', 'two'])
    expect(resolve(aliases, '', 2).topic.toString()).toBe('two')
  })

  it('A-01 [v5:U5-3.3.4-3] replaces an alias that comes with another topic', () => {
    const aliases = new IncomingTopicAliases(1)
    resolve(aliases, 'old', 1)
    resolve(aliases, 'new', 1)

    expect(resolve(aliases, '', 1).topicName).toBe('new')
  })

  it('A-04 keeps payload, QoS, RETAIN and properties of a message whose topic it fills in', () => {
    const aliases = new IncomingTopicAliases(1)
    resolve(aliases, 't', 1)
    const properties = { contentType: 'text', messageExpiryIntervalSeconds: 9 }
    const message = aliases.resolve(publish('', 'hello', { topicAlias: 1, qos: 2, retain: true, properties }))

    expect([message.payload.toString(), message.qos, message.retain]).toEqual(['hello', 2, true])
    expect(message.properties).toEqual(properties)
  })

  it('keeps its own copy of a topic, for the bytes it came in are used again', () => {
    const aliases = new IncomingTopicAliases(1)
    const setting = publish('topic', 'x', { topicAlias: 1 })
    aliases.resolve(setting)
    setting.message.bytes.fill(0)

    expect(resolve(aliases, '', 1).topic.toString()).toBe('topic')
  })

  it.each([
    ['[v5:U5-3.3.4-1] above the maximum', 't', 3, 'TOPIC_ALIAS_ABOVE_MAXIMUM', TOPIC_ALIAS_INVALID],
    ['[v5:U5-3.3.4-2] that was not set', '', 2, 'TOPIC_ALIAS_UNKNOWN', PROTOCOL_ERROR],
  ])('A-01 refuses an alias %s', (_, topicName, topicAlias, violation, reasonCode) => {
    const aliases = new IncomingTopicAliases(2)

    expect(() => resolve(aliases, topicName, topicAlias)).toThrow(expect.objectContaining({ violation, reasonCode }))
  })

  it('refuses every alias when the maximum is 0', () => {
    expect(() => resolve(new IncomingTopicAliases(0), 't', 1)).toThrow(
      expect.objectContaining({ violation: 'TOPIC_ALIAS_ABOVE_MAXIMUM' }),
    )
  })
})

describe('OutgoingTopicAliases', () => {
  it('A-05 [v5:MQTT-3.3.2-8] gives topics the aliases 1 to the maximum, and later ones none', () => {
    const aliases = new OutgoingTopicAliases(2)
    const given = ['a', 'b', 'c'].map((topicName) => {
      const alias = aliases.next
      if (alias > 0) aliases.set(topicName, alias)
      return alias
    })

    expect(given).toEqual([1, 2, 0])
    expect(['a', 'b', 'c'].map((topicName) => aliases.known(topicName))).toEqual([1, 2, 0])
  })

  it('A-05 uses up no alias for a packet that was not sent', () => {
    const aliases = new OutgoingTopicAliases(2)

    expect([aliases.next, aliases.next]).toEqual([1, 1])
  })

  it('gives none when the peer takes none', () => {
    expect(new OutgoingTopicAliases(0).next).toBe(0)
  })
})
