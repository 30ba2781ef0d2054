import { expect, it } from 'vitest'
import type { ModelLimits } from './model-state.ts'
import type { Operation } from './operations.ts'
import { run } from './side-by-side.ts'

// Scripts that the model test has found, as short as they got.
const limits: ModelLimits = {
  receiveMaximum: 1024,
  maximumInFlightMessages: 1024,
  maximumQueuedMessages: 100_000,
  maximumQos0QueuedBytes: 4_194_304,
  maximumOutputBytes: 1_048_576,
  stuckTimeoutSeconds: 3600,
  maximumPacketBytes: 100_000,
  maximumTopicAliases: 32,
  maximumTopicLevels: 5,
  maximumSubscriptions: 100_000,
  maximumSessionExpirySeconds: 0xffff_ffff,
  maximumKeepAliveSeconds: 65_535,
}
const agreesWithin = async (changed: Partial<ModelLimits>, ...operations: Operation[]) =>
  expect(await run({ limits: { ...limits, ...changed }, operations })).toBeNull()
const agrees = (...operations: Operation[]) => agreesWithin({}, ...operations)

it('ends a session in time whose will went out at once when the connection broke', () =>
  agrees(
    { do: 'connect', slot: 0, version: 5, clientId: 'cid', will: { topic: 'a' }, properties: { sessionExpiry: 3 } },
    { do: 'close', slot: 0 },
    { do: 'wait', ms: 30_000 },
  ))

it('goes on sending the retained messages of a subscription that is replaced by one that asks for none', () =>
  agrees(
    { do: 'connect', slot: 0, version: 5, clientId: 'ann' },
    { do: 'publish', slot: 0, topic: 'a', qos: 1, retain: true },
    { do: 'publish', slot: 0, topic: 'a/b', qos: 1, retain: true },
    { do: 'connect', slot: 1, version: 5, clientId: 'bob', properties: { receiveMaximum: 1 } },
    { do: 'subscribe', slot: 1, filters: [{ filter: 'a/#', qos: 1 }] },
    { do: 'subscribe', slot: 1, filters: [{ filter: 'a/#', qos: 2, retainHandling: 1 }], identifier: 7 },
    { do: 'acknowledge all', slot: 1 },
  ))

it('holds back by No Local as it was when the retained messages were asked for', () =>
  agrees(
    { do: 'connect', slot: 0, version: 5, clientId: 'ann' },
    { do: 'publish', slot: 0, topic: 'a/b', retain: true },
    {
      do: 'subscribe',
      slot: 0,
      filters: [
        { filter: '+/+', noLocal: true },
        { filter: '+/+', retainHandling: 2 },
      ],
    },
  ))

it('takes a retained message for what it is though the sender may share one that looks the same', () =>
  agrees(
    { do: 'connect', slot: 1, version: 3, clientId: 'cid' },
    { do: 'subscribe', slot: 1, filters: [{ filter: '$share/g/#', qos: 2 }] },
    { do: 'connect', slot: 3, version: 3, clientId: 'bob', bridge: true, will: { topic: 'a/b', qos: 2, retain: true } },
    { do: 'subscribe', slot: 3, filters: [{ filter: '$share/g/#', qos: 1 }] },
    { do: 'connect', slot: 1, version: 3, clientId: 'bob', later: 4 },
    { do: 'subscribe', slot: 1, filters: [{ filter: 'a/#', qos: 1 }] },
  ))

it('knows that an expired message holds back none behind it, not even one that is too large', () =>
  agreesWithin(
    { maximumInFlightMessages: 1 },
    { do: 'connect', slot: 0, version: 5, clientId: 'ann' },
    { do: 'publish', slot: 0, topic: 'a/c', qos: 2, id: 1, retain: true, bytes: 47_215 },
    { do: 'connect', slot: 1, version: 5, clientId: '', will: { topic: 'a/b', qos: 2, retain: true } },
    { do: 'connect', slot: 1, version: 5, clientId: 'cid' },
    {
      do: 'connect',
      slot: 2,
      version: 5,
      clientId: 'ann',
      will: { topic: 'a/b', qos: 1, properties: { messageExpiry: 0 } },
      properties: { sessionExpiry: 4_294_967_295 },
    },
    { do: 'subscribe', slot: 2, filters: [{ filter: '#', qos: 1 }] },
    { do: 'connect', slot: 2, version: 5, clientId: '' },
    { do: 'publish', slot: 2, topic: 'a/b', qos: 2, id: 4, bytes: 12_278 },
    {
      do: 'connect',
      slot: 2,
      version: 5,
      clientId: 'ann',
      properties: { sessionExpiry: 1, maximumPacketBytes: 1000 },
    },
    { do: 'connect', slot: 0, version: 5, clientId: 'ann' },
    { do: 'acknowledge all', slot: 0 },
  ))

it('takes a message for the one that may have been dropped though a retained one looks the same', () =>
  agreesWithin(
    { maximumInFlightMessages: 3 },
    { do: 'connect', slot: 3, version: 5, clientId: 'bob', properties: { sessionExpiry: 60 } },
    { do: 'subscribe', slot: 3, filters: [{ filter: '#', qos: 2, retainAsPublished: true }] },
    {
      do: 'connect',
      slot: 1,
      version: 5,
      clientId: 'bob',
      will: { topic: 'a/b/c', qos: 1 },
      properties: { sessionExpiry: 3, receiveMaximum: 1, maximumPacketBytes: 100 },
    },
    { do: 'connect', slot: 0, version: 5, clientId: '' },
    { do: 'publish', slot: 1, topic: 'a/b/c', qos: 2, id: 2, retain: true },
    { do: 'publish', slot: 1, topic: 'a/b/c', qos: 1, id: 3, bytes: 16_804 },
    { do: 'publish', slot: 0, topic: 'a/c', qos: 1, id: 2, bytes: 53_920 },
    { do: 'publish', slot: 0, topic: 'a/c', qos: 1, id: 2, retain: true, bytes: 12_921 },
    { do: 'subscribe', slot: 1, filters: [{ filter: 'a/#', qos: 1 }] },
    { do: 'connect', slot: 2, version: 4, clientId: 'bob', will: { topic: 'a/b/c', retain: true } },
    { do: 'subscribe', slot: 2, filters: [{ filter: '#', qos: 1 }] },
    { do: 'connect', slot: 1, version: 5, clientId: 'bob' },
    { do: 'acknowledge all', slot: 1 },
  ))

it('knows that what was sent no longer expires, and may be passed over when it is too large to be sent again', () =>
  agrees(
    { do: 'connect', slot: 1, version: 5, clientId: 'ann', properties: { sessionExpiry: 3 } },
    { do: 'subscribe', slot: 1, filters: [{ filter: '#', qos: 2, retainAsPublished: true }] },
    { do: 'connect', slot: 3, version: 5, clientId: 'bob' },
    {
      do: 'publish',
      slot: 3,
      topic: 'a/c',
      qos: 2,
      id: 2,
      retain: true,
      bytes: 34_458,
      properties: { messageExpiry: 1 },
    },
    { do: 'wait', ms: 2000 },
    { do: 'publish', slot: 3, topic: 'a/b/c', qos: 1, id: 4 },
    {
      do: 'connect',
      slot: 1,
      version: 5,
      clientId: 'ann',
      properties: { sessionExpiry: 10, receiveMaximum: 1, maximumPacketBytes: 100 },
    },
    { do: 'connect', slot: 2, version: 5, clientId: 'ann' },
  ))

it('counts what had waited for a client that did not read, not what is left of it', () =>
  agreesWithin(
    { maximumQos0QueuedBytes: 100_000, maximumOutputBytes: 131_072 },
    { do: 'connect', slot: 0, version: 5, clientId: 'cid' },
    { do: 'subscribe', slot: 0, filters: [{ filter: '$share/g/#' }], identifier: 13 },
    { do: 'subscribe', slot: 0, filters: [{ filter: '$share/h/+/b' }], identifier: 14 },
    { do: 'subscribe', slot: 0, filters: [{ filter: '$share/g/a/#', qos: 1 }], identifier: 11 },
    { do: 'stop reading', slot: 0 },
    { do: 'connect', slot: 3, version: 5, clientId: 'bob' },
    { do: 'publish', slot: 3, topic: 'a/b', id: 1, bytes: 53_449 },
    { do: 'publish', slot: 0, topic: 'a/b', qos: 1, id: 1, bytes: 59_627 },
    { do: 'read', slot: 0 },
  ))

it('takes a message for the one that has not expired, of two that look the same', () =>
  agreesWithin(
    { receiveMaximum: 2, maximumSubscriptions: 3, maximumSessionExpirySeconds: 20 },
    { do: 'connect', slot: 1, version: 3, clientId: 'cid' },
    { do: 'subscribe', slot: 1, filters: [{ filter: '+/#', qos: 2 }] },
    {
      do: 'connect',
      slot: 3,
      version: 5,
      clientId: 'ann',
      will: { topic: 'a/b/c', qos: 2, bytes: 0, properties: { messageExpiry: 0 } },
    },
    { do: 'connect', slot: 1, version: 3, clientId: 'bob' },
    { do: 'connect', slot: 3, version: 4, clientId: 'bob' },
    { do: 'publish', slot: 3, topic: 'a/b/c', qos: 2, id: 4, bytes: 0 },
    { do: 'connect', slot: 3, version: 4, clientId: 'cid' },
  ))

it('keeps the grace that an old client has for its will over a second restart', () =>
  agrees(
    { do: 'connect', slot: 3, version: 3, clientId: 'cid', will: { topic: 'a/b', retain: true } },
    { do: 'connect', slot: 2, version: 4, clientId: 'bob', clean: true, will: { topic: 'b', retain: true } },
    { do: 'kill' },
    { do: 'wait', ms: 5000 },
    { do: 'stop' },
    { do: 'wait', ms: 10_000 },
  ))

it('acknowledges what came while nothing was committed once it is, to clients that came meanwhile as well', () =>
  agrees(
    { do: 'connect', slot: 2, version: 5, clientId: 'bob', properties: { sessionExpiry: 60 } },
    { do: 'hold commits' },
    { do: 'publish', slot: 2, topic: 'a', qos: 2, id: 1 },
    { do: 'connect', slot: 2, version: 5, clientId: 'cid', will: { topic: 'b' } },
    { do: 'let commits go' },
  ))

it('sends again what a subscriber had acknowledged in vain, and what it had not seen', () =>
  agrees(
    { do: 'connect', slot: 0, version: 5, clientId: 'ann', properties: { sessionExpiry: 60 } },
    { do: 'subscribe', slot: 0, filters: [{ filter: '#', qos: 2 }] },
    { do: 'publish', slot: 0, topic: 'a', qos: 1, id: 1 },
    { do: 'publish', slot: 0, topic: 'a', qos: 2, id: 2 },
    { do: 'hold commits' },
    { do: 'acknowledge', slot: 0, which: 0 },
    { do: 'acknowledge', slot: 0, which: 0 },
    { do: 'publish', slot: 0, topic: 'b', qos: 1, id: 3 },
    { do: 'kill' },
    { do: 'connect', slot: 0, version: 5, clientId: 'ann', properties: { sessionExpiry: 60 } },
    { do: 'acknowledge all', slot: 0 },
  ))

it('takes a message for the one of a shared subscription or for the retained one that looks the same', () =>
  agreesWithin(
    { receiveMaximum: 3, maximumInFlightMessages: 1, maximumSubscriptions: 3 },
    { do: 'connect', slot: 0, version: 3, clientId: 'cid' },
    { do: 'publish', slot: 0, topic: '/a', id: 3, retain: true },
    { do: 'connect', slot: 3, version: 4, clientId: 'bob', will: { topic: 'a/b', qos: 2 } },
    { do: 'connect', slot: 2, version: 3, clientId: 'ann' },
    { do: 'subscribe', slot: 2, filters: [{ filter: '$share/g/#', qos: 1 }] },
    {
      do: 'connect',
      slot: 0,
      version: 5,
      clientId: 'cid',
      will: { topic: 'a/b/c', qos: 1 },
      properties: { sessionExpiry: 10 },
    },
    { do: 'reset', slot: 3 },
    { do: 'subscribe', slot: 0, filters: [{ filter: '$share/g/#', qos: 2, retainAsPublished: true }] },
    { do: 'connect', slot: 0, version: 3, clientId: 'cid' },
    { do: 'publish', slot: 2, topic: 'a/b', id: 4 },
    { do: 'publish', slot: 0, topic: 'a/b', qos: 1, id: 1, retain: true },
    { do: 'connect', slot: 2, version: 4, clientId: 'cid' },
    { do: 'connect', slot: 0, version: 4, clientId: 'bob', will: { topic: 'a/b', qos: 2 } },
    { do: 'subscribe', slot: 2, filters: [{ filter: '+/b', qos: 1 }, { filter: '/+' }] },
    { do: 'disconnect', slot: 2 },
    { do: 'break a rule', slot: 0, rule: 'AUTH before 5.0' },
    { do: 'connect', slot: 2, version: 3, clientId: 'cid' },
    { do: 'acknowledge all', slot: 2 },
  ))

it('knows that the id of a message that was too large to be sent again is free, though nobody saw it dropped', () =>
  agrees(
    { do: 'connect', slot: 0, version: 5, clientId: 'ann' },
    { do: 'connect', slot: 2, version: 5, clientId: 'cid', properties: { sessionExpiry: 60 } },
    { do: 'subscribe', slot: 2, filters: [{ filter: '+/+', qos: 1 }] },
    { do: 'publish', slot: 0, topic: 'a/b', qos: 1, id: 1, bytes: 9127 },
    {
      do: 'connect',
      slot: 1,
      version: 5,
      clientId: 'cid',
      will: { topic: 'a/b', qos: 1 },
      properties: { sessionExpiry: 60, maximumPacketBytes: 150 },
      joined: true,
    },
    { do: 'read', slot: 1, bytes: 1 },
    { do: 'publish', slot: 1, topic: 'a/c' },
    { do: 'kill' },
    { do: 'connect', slot: 2, version: 5, clientId: 'cid' },
  ))

it('knows that a retained message that expires at once is nothing to be kept', () =>
  agrees(
    { do: 'connect', slot: 2, version: 5, clientId: 'cid' },
    { do: 'hold commits' },
    {
      do: 'publish',
      slot: 2,
      topic: 'a/b/c',
      qos: 1,
      id: 3,
      retain: true,
      properties: { messageExpiry: 0 },
    },
  ))

it('knows that what a client reads late may have left before commits were held', () =>
  agrees(
    { do: 'connect', slot: 2, version: 5, clientId: 'cid', will: { topic: 'a/c', qos: 2 } },
    { do: 'connect', slot: 1, version: 5, clientId: 'bob', properties: { sessionExpiry: 60 } },
    { do: 'stop reading', slot: 1 },
    { do: 'subscribe', slot: 1, filters: [{ filter: '+/+', qos: 2 }] },
    { do: 'connect', slot: 2, version: 5, clientId: 'cid' },
    { do: 'hold commits' },
    { do: 'read', slot: 1 },
  ))

it('lets a member be chosen for its group in the very millisecond in which its connection ends', () =>
  agrees(
    { do: 'connect', slot: 3, version: 5, clientId: 'bob', properties: { sessionExpiry: 1 } },
    { do: 'subscribe', slot: 3, filters: [{ filter: '$share/h/+/b' }], identifier: 14 },
    { do: 'connect', slot: 0, version: 5, clientId: 'cid' },
    { do: 'connect', slot: 3, version: 5, clientId: 'bob', properties: { sessionExpiry: 3 } },
    {
      do: 'connect',
      slot: 2,
      version: 5,
      clientId: 'ann',
      will: { topic: 'a/b', properties: { willDelay: 30 } },
      properties: { sessionExpiry: 3 },
    },
    { do: 'subscribe', slot: 0, filters: [{ filter: '$share/h/+/b' }], identifier: 14 },
    { do: 'connect', slot: 2, version: 5, clientId: 'bob', keepAlive: 2 },
    { do: 'wait', ms: 30_000 },
  ))

it('knows that a message that is too large for its subscriber is nothing to be kept', () =>
  agrees(
    { do: 'connect', slot: 3, version: 5, clientId: 'bob', properties: { sessionExpiry: 60, maximumPacketBytes: 150 } },
    { do: 'subscribe', slot: 3, filters: [{ filter: 'a/#', qos: 1 }], identifier: 2 },
    { do: 'hold commits' },
    { do: 'publish', slot: 3, topic: 'a/b', qos: 1, id: 2, bytes: 12_850 },
  ))

it('sends PUBREL again after the PUBLISH before it, though the socket has to be waited for', () =>
  agreesWithin(
    { maximumOutputBytes: 131_072 },
    { do: 'connect', slot: 3, version: 4, clientId: 'ann' },
    { do: 'connect', slot: 2, version: 4, clientId: 'cid' },
    { do: 'publish', slot: 2, topic: 'a/c', qos: 2, id: 4, retain: true, bytes: 50_541 },
    {
      do: 'connect',
      slot: 0,
      version: 5,
      clientId: 'bob',
      will: { topic: 'a/b/c', qos: 1 },
      properties: { sessionExpiry: 4_294_967_295 },
    },
    { do: 'subscribe', slot: 0, filters: [{ filter: 'a/#', qos: 2 }] },
    { do: 'publish', slot: 3, topic: 'a/c', qos: 2, id: 2, bytes: 35_148 },
    { do: 'publish', slot: 2, topic: 'a/c', qos: 1, id: 1, bytes: 51_186 },
    { do: 'connect', slot: 1, version: 5, clientId: 'bob', properties: { sessionExpiry: 60 } },
    { do: 'let commits go' },
    { do: 'publish', slot: 2, topic: 'a/b', qos: 2, id: 1 },
    { do: 'acknowledge', slot: 1, which: 4 },
    { do: 'connect', slot: 3, version: 4, clientId: 'bob' },
  ))

it('takes a message for the retained one when the other that looks the same has to wait', () =>
  agrees(
    { do: 'connect', slot: 1, version: 5, clientId: '', will: { topic: 'a/b', qos: 1 } },
    { do: 'subscribe', slot: 1, filters: [{ filter: '$share/g/a/#', qos: 1 }] },
    { do: 'publish', slot: 1, topic: 'a/b', qos: 1, id: 3, retain: true, bytes: 9844 },
    { do: 'connect', slot: 0, version: 4, clientId: 'bob' },
    { do: 'subscribe', slot: 0, filters: [{ filter: '$share/g/a/#', qos: 2 }], identifier: 1 },
    { do: 'connect', slot: 2, version: 5, clientId: '' },
    { do: 'publish', slot: 1, topic: '', id: 2 },
    { do: 'read', slot: 2, bytes: 100 },
    { do: 'connect', slot: 0, version: 4, clientId: 'bob', clean: true, joined: true },
    {
      do: 'subscribe',
      slot: 2,
      filters: [
        { filter: '$share/g/a/#', qos: 2, retainAsPublished: true },
        { filter: '#', qos: 2 },
      ],
    },
    { do: 'subscribe', slot: 0, filters: [{ filter: '$share/h/b' }], identifier: 200 },
    { do: 'read', slot: 2 },
  ))

it('knows that a member is free again when what it had open is too large for its new connection', () =>
  agreesWithin(
    { receiveMaximum: 2, maximumInFlightMessages: 3, maximumSessionExpirySeconds: 20 },
    { do: 'connect', slot: 0, version: 5, clientId: 'bob', properties: { sessionExpiry: 60 } },
    { do: 'subscribe', slot: 0, filters: [{ filter: 'a/#', qos: 1 }] },
    { do: 'connect', slot: 1, version: 5, clientId: 'cid', will: { topic: 'a/b/c', qos: 1 } },
    { do: 'subscribe', slot: 0, filters: [{ filter: '$share/g/#', qos: 2 }], identifier: 2 },
    { do: 'publish', slot: 1, topic: 'b', qos: 1, id: 4, bytes: 200 },
    { do: 'connect', slot: 3, version: 4, clientId: 'ann' },
    { do: 'connect', slot: 1, version: 5, clientId: 'bob', properties: { maximumPacketBytes: 150 }, joined: true },
    { do: 'publish', slot: 1, topic: 'a/b/c', id: 3, joined: true },
    { do: 'subscribe', slot: 3, filters: [{ filter: '$share/g/#' }] },
    { do: 'subscribe', slot: 1, filters: [{ filter: '1/2/3/4/5/#' }], identifier: 268_435_455 },
  ))

it('does not know which of two retained copies that look the same has come', () =>
  agrees(
    { do: 'connect', slot: 0, version: 5, clientId: 'cid' },
    { do: 'publish', slot: 0, topic: 'a/c', qos: 2, id: 2, retain: true },
    { do: 'connect', slot: 2, version: 5, clientId: 'ann', properties: { receiveMaximum: 1 } },
    {
      do: 'subscribe',
      slot: 2,
      filters: [
        { filter: 'a/#', qos: 1 },
        { filter: '+/+', qos: 2 },
        { filter: 'a/#', qos: 2, retainHandling: 2 },
      ],
    },
    { do: 'subscribe', slot: 2, filters: [{ filter: '+/+', retainHandling: 1 }] },
  ))

it('does not have a session end and a keep alive run out in one millisecond', () =>
  agrees(
    {
      do: 'connect',
      slot: 1,
      version: 5,
      clientId: 'cid',
      will: { topic: 'a/b', retain: true, properties: { willDelay: 30 } },
      properties: { sessionExpiry: 3 },
    },
    { do: 'connect', slot: 1, version: 5, clientId: 'ann', keepAlive: 2, will: { topic: 'a/b', retain: true } },
    { do: 'wait', ms: 5000 },
    { do: 'connect', slot: 3, version: 5, clientId: '' },
    { do: 'subscribe', slot: 3, filters: [{ filter: 'a/b' }] },
  ))

it('does not know which of two copies that waited is handed over first', () =>
  agreesWithin(
    { maximumInFlightMessages: 1, maximumSessionExpirySeconds: 20 },
    { do: 'connect', slot: 2, version: 5, clientId: 'ann', properties: { sessionExpiry: 10 } },
    { do: 'subscribe', slot: 2, filters: [{ filter: '$share/h/+/b', qos: 2 }], identifier: 14 },
    { do: 'subscribe', slot: 2, filters: [{ filter: 'a/#', qos: 2 }], identifier: 2 },
    { do: 'subscribe', slot: 2, filters: [{ filter: '$share/g/#', qos: 1 }], identifier: 13 },
    { do: 'connect', slot: 2, version: 5, clientId: 'bob' },
    { do: 'connect', slot: 1, version: 5, clientId: 'ann', properties: { sessionExpiry: 10 } },
    { do: 'publish', slot: 1, topic: 'a/b', qos: 2, id: 4 },
    { do: 'subscribe', slot: 2, filters: [{ filter: '$share/h/+/b', qos: 1 }], identifier: 14 },
    { do: 'connect', slot: 1, version: 5, clientId: 'cid' },
    { do: 'subscribe', slot: 2, filters: [{ filter: '$share/g/#', qos: 1 }], identifier: 13 },
    { do: 'wait', ms: 10_000 },
  ))

it('knows that who was closed first by a broker that stops is away when the next one is', () =>
  agreesWithin(
    { receiveMaximum: 2, maximumInFlightMessages: 3, maximumTopicAliases: 2 },
    { do: 'connect', slot: 2, version: 5, clientId: '', properties: { sessionExpiry: 4_294_967_295 } },
    { do: 'subscribe', slot: 2, filters: [{ filter: '$share/g/#', qos: 2 }], identifier: 2 },
    { do: 'connect', slot: 2, version: 5, clientId: 'bob', properties: { sessionExpiry: 4_294_967_295 } },
    { do: 'connect', slot: 3, version: 4, clientId: 'cid', clean: true },
    { do: 'subscribe', slot: 3, filters: [{ filter: '$share/g/#', qos: 1 }] },
    { do: 'publish', slot: 3, topic: 'a/c', qos: 1, id: 1 },
    { do: 'publish', slot: 3, topic: 'a/b', qos: 1, id: 2 },
    { do: 'subscribe', slot: 2, filters: [{ filter: '$share/g/#', qos: 1 }], identifier: 268_435_455 },
    { do: 'stop' },
    { do: 'connect', slot: 1, version: 5, clientId: 'bob' },
  ))

it('lets a slow reader see later what was put off until it was written', () =>
  agrees(
    { do: 'connect', slot: 3, version: 5, clientId: 'ann', will: { topic: 'a/b/c' }, later: 4 },
    { do: 'stop reading', slot: 3 },
    { do: 'hold commits' },
    { do: 'publish', slot: 3, topic: 'a/b' },
    { do: 'let commits go' },
    { do: 'hold commits' },
    { do: 'read', slot: 3 },
  ))

it('does not know whether a member of a group has room for one more large message in the same step', () =>
  agreesWithin(
    { maximumOutputBytes: 131_072, maximumSessionExpirySeconds: 20 },
    { do: 'connect', slot: 3, version: 4, clientId: 'bob' },
    { do: 'subscribe', slot: 3, filters: [{ filter: '#' }, { filter: '$share/g/a/b' }] },
    { do: 'stop' },
    { do: 'connect', slot: 1, version: 3, clientId: 'bob', joined: true },
    { do: 'connect', slot: 0, version: 4, clientId: 'cid' },
    { do: 'publish', slot: 1, topic: 'a/b', id: 4, bytes: 54_249, joined: true },
    { do: 'subscribe', slot: 0, filters: [{ filter: '$share/g/a/b', qos: 1 }], identifier: 268_435_455 },
    { do: 'close', slot: 0 },
    { do: 'publish', slot: 1, topic: 'a/b', qos: 1, id: 3, bytes: 33_015 },
  ))

it('does not know whether what expires at once had room behind much that was sent again in the same step', () =>
  agreesWithin(
    { maximumOutputBytes: 131_072, maximumSessionExpirySeconds: 20 },
    { do: 'connect', slot: 1, version: 5, clientId: 'bob', properties: { sessionExpiry: 60 } },
    { do: 'subscribe', slot: 1, filters: [{ filter: 'a/#', qos: 2 }] },
    { do: 'publish', slot: 1, topic: 'a/c', qos: 1, id: 4, bytes: 49_928 },
    { do: 'publish', slot: 1, topic: 'a/b', qos: 1, id: 1, bytes: 42_766 },
    { do: 'let commits go' },
    { do: 'publish', slot: 1, topic: 'a/b', qos: 1, id: 2, bytes: 45_201 },
    { do: 'connect', slot: 1, version: 5, clientId: 'bob', joined: true },
    { do: 'publish', slot: 1, topic: 'a/b/c', properties: { messageExpiry: 0 } },
  ))
