import { flag, one } from './option-row.ts'
import {
  choice,
  duration,
  integer,
  mqttText,
  port,
  protocolVersion,
  qos,
  sessionExpiry,
  text,
  topicName,
} from './values.ts'

/** Which broker, and as whom. */
export const targetOptions = {
  host: one(text('HOST'), {
    group: 'Connection',
    short: 'h',
    aliases: ['hostname'],
    default: 'localhost',
    help: 'name or address of the broker',
    missing: 'help is --help',
  }),
  port: one(port, { group: 'Connection', short: 'p', default: '1883', help: 'TCP port of the broker' }),
  unix: one(text('PATH'), { group: 'Connection', help: 'connect to this unix domain socket instead' }),
  url: one(text('URL'), {
    group: 'Connection',
    short: 'L',
    environment: false,
    help: 'broker as a URL, instead of the first argument',
    more:
      'The URL looks like mqtt://user:password@host:port/topic or unix:/path/of/socket; tcp is another name for mqtt. ' +
      'User name, password and topic are percent-decoded, and the path is the topic when no -t is given. The environment ' +
      'variable MQTT_URL is read when there is no URL on the command line.',
  }),
  user: one(mqttText('NAME'), {
    group: 'Connection',
    short: 'u',
    aliases: ['username'],
    help: 'user name',
  }),
  password: one(text('PASSWORD'), {
    group: 'Connection',
    short: 'P',
    aliases: ['pw'],
    secret: true,
    help: 'password; - asks for it on the terminal',
    more: 'Other users of the machine can see what stands on a command line: prefer --password-file or --password-env.',
  }),
  passwordFile: one(text('FILE'), {
    group: 'Connection',
    help: 'read the password from a file',
    more: 'One line break at the end of the file is not part of the password.',
  }),
  passwordEnv: one(text('VARIABLE'), {
    group: 'Connection',
    environment: false,
    help: 'read the password from this environment variable',
  }),
} as const

/** How to connect: shared by all commands that are clients. */
export const connectionOptions = {
  ...targetOptions,
  authMethod: one(choice('METHOD', ['scram-sha-256']), {
    group: 'Connection',
    help: 'prove the password without sending it: scram-sha-256',
    more:
      'Enhanced authentication of MQTT 5.0. User name and password go into the exchange, not into CONNECT, and the broker ' +
      'has to prove that it knows the password, too.',
  }),
  reauthenticate: one(duration, {
    group: 'Connection',
    help: 'prove the password anew after each such time',
    more: 'For --auth-method, while messages flow. A broker that refuses ends the command with code 5.',
  }),
  protocolVersion: one(protocolVersion, {
    group: 'Connection',
    short: 'V',
    aliases: ['mqtt-version'],
    default: '5',
    help: 'version of MQTT: 5, 3.1.1 or 3.1',
    more:
      '5.0, 311, 4, 31, mqttv5, mqttv311 and mqttv31 are read too. Without -V a broker that does not speak 5.0 is tried ' +
      'once more with 3.1.1, unless properties were given that only 5.0 can carry.',
  }),
  keepalive: one(integer('SECONDS', 0, 65_535), {
    group: 'Connection',
    short: 'k',
    aliases: ['keep-alive'],
    default: '60',
    unit: 'seconds',
    help: 'longest silence before a ping; 0 for none',
  }),
  bind: one(text('ADDRESS'), {
    group: 'Connection',
    short: 'A',
    aliases: ['bind-address'],
    help: 'IP address of this machine to connect from',
  }),
  connectTimeout: one(duration, {
    group: 'Connection',
    default: '10s',
    help: 'for host name, connection and CONNACK together',
  }),
  noReconnect: flag({ group: 'Connection', help: 'end when the connection is lost' }),
  maxReconnect: one(integer('N', 0, 1_000_000_000), {
    group: 'Connection',
    help: 'give up after N vain attempts to reconnect',
    more:
      'A lost connection is made again after 1, 2, 4 ... at most 30 seconds, each with some chance in it. The first ' +
      'connection is tried once.',
  }),
  maxInflight: one(integer('N', 1, 65_535), {
    group: 'Connection',
    short: 'M',
    help: 'QoS 1 and 2 messages in flight at once',
    more: 'The Receive Maximum of the broker counts too.',
  }),
} as const

/** Which session, and how long it lives. */
export const sessionOptions = {
  id: one(mqttText('ID'), {
    group: 'Session',
    short: 'i',
    aliases: ['client-id', 'clientid'],
    help: 'client identifier; without it the broker chooses one',
  }),
  idPrefix: one(mqttText('PREFIX'), {
    group: 'Session',
    short: 'I',
    help: 'client identifier from this prefix and chance',
  }),
  persistent: flag({
    group: 'Session',
    short: 'c',
    aliases: ['no-clean', 'disable-clean-session', 'no-clean-session'],
    help: 'go on with the session of -i (clean start off)',
    more: 'With MQTT 5.0 the session then never expires, unless -x says otherwise.',
  }),
  sessionExpiry: one(sessionExpiry, {
    group: 'Session',
    short: 'x',
    aliases: ['session-expiry-interval'],
    default: '0, with -c never',
    unit: 'seconds',
    help: 'life of the session without a connection; -1 never ends',
  }),
} as const

/** The message that the broker publishes when the connection ends without a farewell. */
export const willOptions = {
  willTopic: one(topicName, { group: 'Will', help: 'topic of the will' }),
  willPayload: one(text('TEXT'), {
    group: 'Will',
    aliases: ['will-message'],
    default: 'empty',
    help: 'payload of the will',
  }),
  willQos: one(qos, { group: 'Will', default: '0', help: 'QoS of the will' }),
  willRetain: flag({ group: 'Will', help: 'the will is a retained message' }),
  willOnExit: flag({
    group: 'Will',
    help: 'publish the will when this command ends, too',
    more: 'The connection then ends with DISCONNECT 0x04 (MQTT 5.0), or without DISCONNECT before 5.0.',
  }),
} as const
