import type { CommandSpec } from './command-spec.ts'
import { connectionOptions, sessionOptions, targetOptions } from './connection.ts'
import { generalOptions } from './general.ts'
import { flag, one } from './option-row.ts'
import { profileOptions } from './profile.ts'
import { tlsClientOptions } from './tls.ts'
import { duration, topicName } from './values.ts'

const { authMethod, keepalive, bind } = connectionOptions

/** All options of `doctor`. */
export const doctorRows = {
  topic: one(topicName, {
    group: 'Message',
    short: 't',
    default: 'mqtt-kit/doctor/ and chance',
    help: 'topic below which messages are tried; the path of the URL too',
    more: 'For brokers whose rules allow only some topics. A retained message is put at TOPIC/retained and removed again.',
  }),
  noMessages: flag({ group: 'Message', help: 'publish and subscribe nothing: look at CONNACK only' }),
  json: flag({ group: 'Output', help: 'print one JSON object' }),
  probeTimeout: one(duration, {
    group: 'Connection',
    aliases: ['connect-timeout'],
    default: '5s',
    help: 'longest time for each single probe',
  }),
  ...targetOptions,
  authMethod,
  keepalive,
  bind,
  ...tlsClientOptions,
  id: sessionOptions.id,
  ...profileOptions,
  ...generalOptions,
} as const

/** Everything about `doctor` but what it does. */
export const doctorSpec: CommandSpec<typeof doctorRows> = {
  name: 'doctor',
  summary: 'why a connection fails, and the limits of a broker',
  synopsis: '[URL] [OPTION...]',
  description: [
    'Goes the way to the broker step by step: host name, TCP, TLS with the chain of certificates, WebSocket, and CONNECT at MQTT ' +
      '5.0, 3.1.1 and 3.1. What fails is explained with its likely cause and what to try.',
    'When a version is accepted it tells the limits of the broker: those of CONNACK, and those that it finds by trying: ' +
      'subscriptions, retained messages, latency, sizes of payloads and topics, and lengths of client identifiers.',
    'With -i each connection uses that client identifier, and takes over from a client that has it now. Each probe is bounded by ' +
      '--probe-timeout, and a series of probes ends at the first refusal.',
    'The exit code is that of the first step that failed, as with the other clients. Limits are no failures.',
  ],
  rows: doctorRows,
  examples: [
    { text: 'Why can I not connect?', line: 'mqtt-kit doctor mqtts://broker.example' },
    { text: 'Publish nothing:', line: 'mqtt-kit doctor ws://localhost:8083/mqtt --no-messages' },
    { text: 'For a program:', line: 'mqtt-kit doctor -h broker.example --json' },
  ],
}
