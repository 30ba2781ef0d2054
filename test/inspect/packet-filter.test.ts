import { describe, expect, it } from 'vitest'
import { Role } from '../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { inspectBytes } from '../../src/inspect/inspector.ts'
import { FilterSyntaxError, parsePacketFilter } from '../../src/inspect/packet-filter.ts'

const [packet] = inspectBytes(Buffer.from('3b090003612f7800076869', 'hex'), {
  version: ProtocolVersion.V3_1_1,
  sender: Role.CLIENT,
}).packets
const passes = (expression: string) => parsePacketFilter(expression)({ packet: packet!, clientId: 'sensor-1' })

describe('a packet filter', () => {
  it.each([
    'publish',
    'type == publish',
    'type = "publish"',
    'topic ~ "a/#"',
    'topic ~ +/x',
    'topic ~ /x',
    'topic == a/x && id == 7',
    'qos > 0 and retain and dup',
    'qos >= 1 && qos <= 1 && qos != 2',
    '!subscribe',
    'not (subscribe or unsubscribe)',
    'subscribe || publish && qos == 1',
    'client ~ sensor',
    'payload ~ hi',
    'dir == c2s && version == 3.1.1',
    'size < 20',
    '!issue && !stream',
    'code != 0',
  ])('%s holds', (expression) => expect(passes(expression)).toBe(true))

  it.each([
    'subscribe',
    'topic ~ "b/#"',
    'qos == 2',
    'stream == 0',
    'publish && (qos == 0 || client == other)',
    'issue',
    'code == 0',
  ])('%s does not hold', (expression) => expect(passes(expression)).toBe(false))

  it.each([
    ['', 'a packet type or one of type, topic'],
    ['qos >', 'a value is expected at the end'],
    ['qos > )', 'a value is expected at character 7, not ")"'],
    ['(publish', ') is expected at the end'],
    ['publish qos', '&& or || is expected at character 9, not "qos"'],
    ['colour == red', 'a packet type or one of type, topic'],
    ['topic ~ "a', 'is no part of a filter'],
  ])('%j is refused', (expression, message) => {
    expect(() => parsePacketFilter(expression)).toThrow(FilterSyntaxError)
    expect(() => parsePacketFilter(expression)).toThrow(message)
  })
})
