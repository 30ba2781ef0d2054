import { isIPv6 } from 'node:net'
import type { HttpAddress } from '../../insight/http-server.ts'
import { AddressError, parseAddress } from '../../transport/address.ts'
import { Proxies } from '../../transport/proxy-protocol.ts'
import { accessOptions } from './access.ts'
import type { CommandSpec } from './command-spec.ts'
import { configOptions } from './config.ts'
import { featureOptions } from './features.ts'
import { generalOptions } from './general.ts'
import { limitOptions } from './limits.ts'
import { flag, many, one, ValueError, type ValueKind } from './option-row.ts'
import { storageOptions } from './storage.ts'
import { tlsServerOptions } from './tls.ts'
import { choice, integer, text } from './values.ts'

const listenUrl: ValueKind<string> = {
  name: 'URL',
  read: (typed) => {
    try {
      parseAddress(typed)
      return typed
    } catch (error) {
      if (error instanceof AddressError) throw new ValueError(`a URL like mqtt://127.0.0.1:1883 (${error.message})`)
      throw error
    }
  },
}

const proxy: ValueKind<string> = {
  name: 'ADDRESS',
  read: (typed) => {
    try {
      new Proxies([typed])
      return typed
    } catch (error) {
      if (error instanceof AddressError)
        throw new ValueError('an address like 192.0.2.7, a network like 10.0.0.0/8, or unix')
      throw error
    }
  },
}

const httpAddress: ValueKind<HttpAddress> = {
  name: 'ADDRESS',
  read: (typed) => {
    const [, bracketed, name, port] = /^(?:\[(.*)\]:|([^:/@[\]]+):)?(\d{1,5})$/.exec(typed) ?? []
    const isHost = bracketed === undefined || isIPv6(bracketed)
    if (port === undefined || Number(port) > 65_535 || !isHost) {
      throw new ValueError('a port like 9100, or an address like 0.0.0.0:9100 or [::1]:9100')
    }
    return { host: bracketed ?? name ?? '127.0.0.1', port: Number(port) }
  },
}

const traced: ValueKind<string> = {
  name: 'client=ID',
  read: (typed) => {
    const clientId = /^client=(.+)$/s.exec(typed)?.[1]
    if (clientId === undefined) throw new ValueError('client= and a client identifier')
    return clientId
  },
}

const listeningOptions = {
  port: one(integer('PORT', 0, 65_535), {
    group: 'Listening',
    short: 'p',
    default: '1883',
    help: 'TCP port; 0 picks a free one and prints it',
  }),
  host: one(text('ADDRESS'), {
    group: 'Listening',
    short: 'h',
    aliases: ['hostname'],
    default: '127.0.0.1',
    help: 'address to listen on',
    more: 'An address that other machines reach needs users (see Access), or --allow-anonymous.',
    missing: 'help is --help',
  }),
  listen: many(listenUrl, {
    group: 'Listening',
    help: 'listen here too, repeatable: mqtt://0.0.0.0:1883, mqtts://:8883, ws://:8083/mqtt, unix:/run/mqtt.sock',
    more: 'With --listen there is no listener on port 1883 unless -p or -h asks for it.',
  }),
  wsPort: one(integer('PORT', 0, 65_535), {
    group: 'Listening',
    help: 'listen for WebSocket too, on this port of --host, path /mqtt',
  }),
  proxyProtocol: many(proxy, {
    group: 'Listening',
    help: 'the proxies in front, repeatable: 10.0.0.0/8, ::1, or unix; their PROXY headers are read',
    more:
      'Only they may connect then, and each connection begins with a header of the PROXY protocol (version 1 or 2, before TLS and ' +
      'WebSocket) whose address is the client from there on, in the log and for access. A connection without it, or from ' +
      'elsewhere, is closed. unix is for --listen unix:..., addresses are for all other listeners.',
  }),
  wsOrigin: many(text('ORIGIN'), {
    group: 'Listening',
    help: 'pages that may connect by WebSocket, repeatable: https://example.org; default all',
    more: 'Browsers say from which page a connection comes; other clients do not, and are let in.',
  }),
  http: one(httpAddress, {
    group: 'Listening',
    help: 'serve a dashboard and /metrics over HTTP here: a port, or address:port',
    more:
      'A port alone is on 127.0.0.1; 0 picks a free one. The URL stands last in the ready line. There / is the dashboard and ' +
      '/chat/ an example, both clients of the broker by WebSocket at /mqtt, with the rights of their user (see --admin). An address ' +
      'that other machines reach has them only with users, or --allow-anonymous; the rest it has in any case: /metrics for ' +
      'Prometheus, /healthz (200 as long as the process answers) and /readyz (503 when the broker stops). Those ask for no ' +
      'password and show numbers only: no topic, no client identifier.',
  }),
} as const

const outputOptions = {
  sysInterval: one(integer('SECONDS', 0, 86_400), {
    group: 'Output',
    default: '10',
    unit: 'seconds',
    help: 'time between publications of $SYS topics; 0 for none',
  }),
  readyFile: one(text('FILE'), { group: 'Output', help: 'write the ready line to this file, too' }),
  exec: one(text('CMD'), {
    group: 'Output',
    environment: false,
    help: 'run CMD with MQTT_URL set, and end with it',
    more: 'CMD is given to the shell when the broker is ready; the exit code is that of CMD.',
  }),
  stdinGuard: flag({
    group: 'Output',
    help: 'end when standard input closes, as on SIGTERM',
    more: 'For programs that start a broker through a pipe: it ends with them, whatever ends them.',
  }),
  json: flag({ group: 'Output', help: 'print the ready line as a JSON object' }),
  verbose: flag({ group: 'Output', short: 'v', help: 'log connections on stderr' }),
  debug: flag({ group: 'Output', short: 'd', help: 'show every packet on stderr' }),
  trace: one(traced, {
    group: 'Output',
    environment: false,
    help: 'capture what the client with this id and the broker say to each other; with --write',
    more: 'TLS and WebSocket are taken off, and the port of the broker is written as 1883, so that Wireshark and inspect show MQTT.',
  }),
  write: one(text('FILE'), { group: 'Output', environment: false, help: 'the pcapng file for --trace; replaced' }),
  writeLimit: one(integer('BYTES', 4096, Number.MAX_SAFE_INTEGER), {
    group: 'Output',
    default: '104857600',
    unit: 'bytes',
    help: 'size at which the capture of --trace ends, with a line on stderr; the broker goes on',
  }),
  logFormat: one(choice('FORMAT', ['text', 'json']), {
    group: 'Output',
    default: 'text',
    help: 'form of the log: text or json',
  }),
} as const

/** All options of `serve`. */
export const serveRows = {
  ...listeningOptions,
  ...tlsServerOptions,
  ...accessOptions,
  ...storageOptions,
  ...limitOptions,
  ...featureOptions,
  ...outputOptions,
  ...configOptions,
  ...generalOptions,
} as const

/** Everything about `serve` but what it does. */
export const serveSpec: CommandSpec<typeof serveRows> = {
  name: 'serve',
  summary: 'run a broker',
  synopsis: '[OPTION...]',
  description: [
    'Runs a broker for MQTT 3.1, 3.1.1 and 5.0 until it gets SIGINT or SIGTERM. When all listeners are open, exactly one line ' +
      'goes to stdout: mqtt-kit ready mqtt://127.0.0.1:1883',
    'The line names all listeners; with --json it is {"event":"ready","pid":1,"listeners":["mqtt://127.0.0.1:1883"]}, ' +
      'and "http" holds the URL of --http. ' +
      'SIGINT and SIGTERM tell the clients, close the connections and end with exit code 0; a second signal ends at once. ' +
      'SIGHUP reads the configuration anew, see --config.',
    'Sockets that systemd hands over (LISTEN_FDS, socket activation) are listened on, without one of its own on port 1883 unless -p ' +
      'or -h asks for it. FileDescriptorName= in the unit of a socket says what it speaks: mqtt, mqtts, ws or wss.',
  ],
  rows: serveRows,
  examples: [
    {
      text: 'A broker for the network, with users, that keeps what it has acknowledged:',
      line: 'mqtt-kit serve -h 0.0.0.0 --password-file users --data /var/lib/mqtt-kit',
    },
    {
      text: 'With TLS beside the plain port:',
      line: 'mqtt-kit serve --tls-port 8883 --tls-cert broker.crt --tls-key broker.key',
    },
    { text: 'A broker on a free port, as long as the tests run:', line: "mqtt-kit serve -p 0 --exec 'npm test'" },
  ],
}
