import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import type { LoadPlan } from '../../src/load/plan.ts'
import { parseAddress } from '../../src/transport/address.ts'

/** A small plan: two pairs, a hundred messages. */
export function loadPlan(more: Partial<LoadPlan> = {}, url = 'mqtt://127.0.0.1:1883'): LoadPlan {
  return {
    scenario: 'p2p',
    clients: 2,
    publishers: 2,
    subscribers: 2,
    qos: 0,
    retain: false,
    payloadBytes: 32,
    payload: null,
    rate: null,
    durationMs: 1000,
    messages: 100,
    warmupMs: 0,
    drainMs: 300,
    window: 10,
    inFlight: 10,
    topicAliases: 0,
    connectRate: null,
    topic: null,
    clientId: null,
    seed: 7,
    address: parseAddress(url).address,
    version: ProtocolVersion.V5,
    keepAliveSeconds: 60,
    connectTimeoutMs: 5000,
    credentials: [],
    bindAddresses: [],
    tls: {},
    connectProperties: {},
    publishProperties: {},
    subscribeProperties: {},
    ...more,
  }
}
