import { type Address, AddressError, parseAddress } from '../../transport/address.ts'
import type { CommandSpec } from './command-spec.ts'
import { cutRule, delayRule, packetRule } from './fault-values.ts'
import { generalOptions } from './general.ts'
import { filter, inspectRows, versionOrAuto } from './inspect.ts'
import { flag, many, one, ValueError, type ValueKind } from './option-row.ts'
import { tlsClientOptions, tlsServerOptions } from './tls.ts'
import { choice, duration, integer, text } from './values.ts'

const DEFAULT_HOST = '127.0.0.1'
const LARGEST_SEED = 0xffff_ffff

function readAddress(typed: string, example: string): Address {
  try {
    return parseAddress(typed, { host: DEFAULT_HOST }).address
  } catch (error) {
    if (error instanceof AddressError) throw new ValueError(`${example} (${error.message})`)
    throw error
  }
}

const listenAddress: ValueKind<string> = {
  name: 'PORT|URL',
  read: (typed) => {
    if (/^\d+$/.test(typed)) return listenAddress.read(`mqtt://${DEFAULT_HOST}:${typed}`)
    readAddress(typed, 'a port like 1884, or a URL like ws://127.0.0.1:8084/mqtt')
    return typed
  },
}

const brokerAddress: ValueKind<Address> = {
  name: 'URL',
  read: (typed) => readAddress(typed, 'where the broker is, as in mqtt://localhost:1883'),
}

const { tlsCert, tlsKey, tlsCa, tlsDev, tlsName, tlsMinVersion, tlsCiphers, pskFile, requireClientCert } =
  tlsServerOptions
const { tls: _, ...tlsOfClients } = tlsClientOptions

const listeningOptions = {
  listen: many(listenAddress, {
    group: 'Listening',
    help: 'where clients connect, repeatable: a port of 127.0.0.1, mqtts://:8884, ws://127.0.0.1:8084/mqtt, unix:/run/proxy.sock',
    more: '0 picks a free port; the real one stands in the ready line.',
  }),
  to: one(brokerAddress, {
    group: 'Connection',
    help: 'the broker: mqtt://localhost:1883, mqtts://, ws://, wss:// or unix:; it need not be as --listen is',
  }),
} as const

const faultOptions = {
  delay: many(delayRule, {
    group: 'Faults',
    environment: false,
    help: 'hold every packet back: 50ms, or 10ms-80ms for a time between; 50ms:s2c for one direction; repeatable',
    more:
      'Packets stay in order, so one with a short time waits for those before it. Times without a unit are seconds. Of each direction ' +
      '1 MiB may wait; then whoever sends has to wait.',
  }),
  pause: one(duration, {
    group: 'Faults',
    environment: false,
    help: 'let nothing pass for this long, again and again; with --pause-every',
  }),
  pauseEvery: one(duration, {
    group: 'Faults',
    environment: false,
    help: 'from one --pause to the next; the first one begins that long after the start',
  }),
  drop: many(packetRule, {
    group: 'Faults',
    environment: false,
    help: 'drop packets: TYPE[:c2s|s2c][:PROBABILITY], as puback, publish:s2c:0.1 or any:c2s:5%; repeatable',
  }),
  duplicate: many(packetRule, {
    group: 'Faults',
    environment: false,
    help: 'send packets twice, rules as for --drop; repeatable',
    more: 'Packets of more than 1 MiB are sent once.',
  }),
  cutAfter: many(cutRule, {
    group: 'Faults',
    environment: false,
    help: 'cut each connection when this many bytes have passed; 1000:s2c counts one direction; repeatable',
    more: 'The bytes up to there arrive, a packet may end in its middle, and both sides lose the connection.',
  }),
  seed: one(integer('NUMBER', 0, LARGEST_SEED), {
    group: 'Faults',
    environment: false,
    default: 'random',
    help: 'the same number makes the same faults for the same packets of the nth connection',
    more: 'The one in use is told at the end.',
  }),
} as const

/** All options of `inspect proxy`. */
export const inspectProxyRows = {
  ...listeningOptions,
  tlsCert: { ...tlsCert, more: 'It is read once, at the start.' },
  ...{ tlsKey, tlsCa, tlsName, tlsMinVersion, tlsCiphers, pskFile },
  requireClientCert: { ...requireClientCert, more: 'The broker hears nothing of it.' },
  tlsDev: {
    ...tlsDev,
    help: 'show clients the development certificate of serve --tls-dev, made if need be',
    more: 'Clients that trust the CA of serve --tls-dev trust the proxy too. Its fingerprint and file are told on stderr.',
  },
  ...tlsOfClients,
  mqtt: one(versionOrAuto, {
    group: 'Decoding',
    default: 'auto',
    help: 'version to read connections in that do not begin with CONNECT: 3.1, 3.1.1, 5 or auto, which is 5',
  }),
  ...faultOptions,
  filter: one(filter, {
    group: 'Output',
    environment: false,
    help: 'show only packets for which EXPR holds, as in publish && topic ~ "a/#" && qos > 0',
    more: 'The expressions are those of mqtt-kit-inspect(1). What is not shown passes all the same.',
  }),
  view: one(choice('VIEW', ['line', 'tree', 'hex', 'table', 'flow', 'session']), {
    group: 'Output',
    default: 'line',
    help: 'line, tree, hex, table, flow or session, which shows nothing until the end',
  }),
  payload: inspectRows.payload,
  proto: inspectRows.proto,
  protoType: inspectRows.protoType,
  json: flag({
    group: 'Output',
    help: 'the ready line and each packet as a JSON object and line; "injected" tells of faults',
  }),
  write: one(text('FILE'), {
    group: 'Output',
    environment: false,
    help: 'write everything to this pcapng file too, for inspect and Wireshark; it is replaced',
    more:
      'It holds what came from both sides as TCP, with TLS and WebSocket taken off and the port of the broker written as 1883. What ' +
      'was dropped, copied or held back has a comment.',
  }),
  writeLimit: one(integer('BYTES', 4096, Number.MAX_SAFE_INTEGER), {
    group: 'Output',
    default: '104857600',
    unit: 'bytes',
    help: 'size at which --write ends, with a line on stderr; the proxy goes on',
  }),
  readyFile: one(text('FILE'), { group: 'Output', help: 'write the ready line to this file, too' }),
  quiet: flag({ group: 'Output', help: 'no messages on stderr' }),
  ...generalOptions,
} as const

/** Everything about `inspect proxy` but what it does. */
export const inspectProxySpec: CommandSpec<typeof inspectProxyRows> = {
  name: 'inspect proxy',
  summary: 'watch what clients and a broker say, and disturb it',
  synopsis: '--listen PORT|URL --to URL [OPTION...]',
  description: [
    'Stands between MQTT clients and a broker and prints a line per packet: time, connection, client, arrow, fields, and how long an ' +
      'answer took. Bytes pass unchanged and in order, also those that break rules, unless a fault is asked for.',
    'When all listeners are open, one line goes to stdout: mqtt-kit ready mqtt://127.0.0.1:1884. Connections, findings about the ' +
      'sessions and the counts at the end go to stderr. SIGINT and SIGTERM end it with exit code 0.',
    'Each side may be TCP, TLS, WebSocket, both, or a unix socket, whatever the other one is. When one side is slow the other one ' +
      'has to wait: no more than 1 MiB is kept of each direction. A broker that cannot be reached costs a client its connection, and ' +
      'the proxy goes on. The end of one side, or its reset, is passed on behind what was under way; a WebSocket cannot end in one ' +
      'direction alone, and ends in both.',
    'Findings are about what was passed on: a packet that was dropped was never sent, for them, and a copy was.',
  ],
  rows: inspectProxyRows,
  examples: [
    {
      text: 'See what a device and the broker say, and keep it:',
      line: 'mqtt-kit inspect proxy --listen 1884 --to mqtt://hub --write seen.pcapng',
    },
    {
      text: 'Does the device send again what was not acknowledged?',
      line: 'mqtt-kit inspect proxy --listen 1884 --to mqtt://hub --drop puback:s2c:0.1',
    },
    {
      text: 'What does it do on a slow line that breaks?',
      line: 'mqtt-kit inspect proxy --listen 1884 --to ws://hub --delay 1 --cut-after 999',
    },
  ],
}
