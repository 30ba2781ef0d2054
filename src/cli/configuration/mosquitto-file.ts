import { type OptionRows, shortestName } from '../options/option-row.ts'
import { type ListenerSection, listenerRows } from './listener-settings.ts'
import { ConfigError, type Position, type Setting } from './setting.ts'

/** What a file of mosquitto says: options of ours, and what of it has none. */
export interface MosquittoFile {
  readonly settings: readonly Setting[]
  /** listeners with options of their own; the others are settings */
  readonly listeners: readonly ListenerSection[]
  /** one line each, with the place in the file */
  readonly warnings: readonly string[]
}

interface Listener {
  readonly port: string
  /** address, or path of a socket when the port is 0 */
  host: string
  isWebSocket: boolean
  isTls: boolean
  /** what it has for itself */
  readonly own: Setting[]
  readonly position: Position
}

/** Options that have the same meaning here: theirs by name, ours by key of the row. */
const same: Readonly<Record<string, string>> = {
  password_file: 'passwordFile',
  acl_file: 'acl',
  max_connections: 'maxConnections',
  max_packet_size: 'maxPacketSize',
  max_keepalive: 'maxKeepalive',
  max_topic_alias: 'maxTopicAlias',
  maximum_qos: 'maxQos',
  max_qos: 'maxQos',
  max_queued_bytes: 'maxQueuedBytes',
  max_queued_messages: 'maxQueued',
  max_inflight_messages: 'maxInflight',
  sys_interval: 'sysInterval',
  persistence_location: 'data',
  certfile: 'tlsCert',
  keyfile: 'tlsKey',
  cafile: 'tlsCa',
  ciphers: 'tlsCiphers',
  psk_file: 'pskFile',
}

/** Switches: ours is given when theirs has this value. */
const switches: Readonly<Record<string, readonly [key: string, on: boolean]>> = {
  allow_anonymous: ['allowAnonymous', true],
  queue_qos0_messages: ['queueQos0', true],
  retain_available: ['noRetain', false],
  require_certificate: ['requireClientCert', true],
  connection_messages: ['verbose', true],
  use_identity_as_username: ['certUser', true],
}

/** 0 means no limit there; here a number says so. */
const UNLIMITED: Readonly<Record<string, string>> = {
  max_queued_bytes: String(Number.MAX_SAFE_INTEGER),
  max_queued_messages: String(Number.MAX_SAFE_INTEGER),
  max_inflight_messages: '65535',
  max_keepalive: '65535',
}

/** A file without these says the same here: what our broker does anyhow, and what the store has no need of. */
const NO_NEWS = new Set([
  'per_listener_settings false',
  'set_tcp_nodelay true',
  'log_timestamp true',
  'log_dest stderr',
  'allow_zero_length_clientid true',
  'check_retain_source true',
  'upgrade_outgoing_qos false',
  'use_username_as_clientid false',
  'use_subject_as_username false',
  'autosave_on_changes true',
  'allow_duplicate_messages true',
])

const SECONDS_PER_UNIT: Readonly<Record<string, number>> = {
  h: 3600,
  d: 86_400,
  w: 604_800,
  m: 2_629_800,
  y: 31_557_600,
}

/**
 * Reads a mosquitto.conf.
 * @param path for messages
 * @throws ConfigError for a line that mosquitto would not take either
 */
export function parseMosquittoFile(text: string, path: string, rows: OptionRows): MosquittoFile {
  return new Reader(path, rows).read(text)
}

class Reader {
  readonly #path: string
  readonly #rows: OptionRows
  readonly #settings: Setting[] = []
  readonly #warnings: string[] = []
  readonly #listeners: Listener[] = []
  #isAnonymousSaid = false
  #persistence: { readonly isOn: boolean; readonly position: Position } | null = null

  constructor(path: string, rows: OptionRows) {
    this.#path = path
    this.#rows = rows
  }

  read(text: string): MosquittoFile {
    for (const [index, raw] of text.split(/\r?\n/).entries()) {
      const line = raw.trim()
      if (line === '' || line.startsWith('#')) continue
      const [, name = '', value = ''] = /^(\S+)\s*(.*)$/.exec(line)!
      this.#option(name, value, { line: index + 1, column: raw.search(/\S/) + 1 })
    }
    for (const listener of this.#listeners) {
      if (listener.own.length === 0) this.#set('listen', 'listener', urlOf(listener), listener.position)
    }
    this.#checkPersistence()
    // a listener of mosquitto lets nobody in without this; without a listener it is for this machine only
    if (this.#listeners.length === 0 || this.#isAnonymousSaid) return this.#result()
    const isProven = this.#listeners.every(({ own }) => own.some(({ key }) => key === 'certUser'))
    if (!isProven && !this.#settings.some(({ key }) => key === 'passwordFile')) {
      throw new ConfigError(
        this.#path,
        this.#listeners[0]!.position,
        'nobody may connect: say password_file or allow_anonymous true',
      )
    }
    return this.#result()
  }

  #result(): MosquittoFile {
    const listeners = this.#listeners
      .filter(({ own }) => own.length > 0)
      .map((listener) => ({ url: urlOf(listener), settings: listener.own }))
    return { settings: this.#settings, listeners, warnings: this.#warnings }
  }

  #option(name: string, value: string, position: Position): void {
    const ours = same[name]
    const isSwitch = switches[name]
    if (name === 'allow_anonymous') this.#isAnonymousSaid = true
    if (name === 'listener') this.#listener(value, position)
    else if (name === 'port') this.#listeners.push(newListener(value, '', position))
    else if (name === 'bind_address') this.#bind(value, position)
    else if (name === 'protocol') this.#protocol(value, position)
    else if (name === 'persistent_client_expiration') this.#expiration(value, position)
    else if (name === 'persistence') this.#persistence = { isOn: this.#isTrue(name, value, position), position }
    else if (isSwitch !== undefined) this.#switch(name, value, isSwitch, position)
    else if (ours !== undefined) this.#same(name, ours, value, position)
    else if (!NO_NEWS.has(`${name} ${value}`)) this.#warn(position, `${name} is not supported and has no effect`)
  }

  #same(name: string, key: string, value: string, position: Position): void {
    if (value === '') throw new ConfigError(this.#path, position, `${name} needs a value`)
    if (key === 'tlsCert' || key === 'pskFile') {
      const listener = this.#listeners.at(-1)
      if (listener !== undefined) listener.isTls = true
    }
    const unlimited = value === '0' || value === '-1' ? UNLIMITED[name] : undefined
    if (name === 'max_connections' && value === '-1') return
    this.#set(key, name, unlimited ?? value, position)
  }

  #switch(name: string, value: string, [key, on]: readonly [string, boolean], position: Position): void {
    if (this.#isTrue(name, value, position) === on) this.#set(key, name, '', position)
  }

  #isTrue(name: string, value: string, position: Position): boolean {
    if (value === 'true' || value === 'false') return value === 'true'
    throw new ConfigError(this.#path, position, `${name}: expected true or false`)
  }

  // Theirs is kept where the program was built to keep it; ours has to be told.
  #checkPersistence(): void {
    const at = this.#settings.findIndex(({ key }) => key === 'data')
    const { isOn, position } = this.#persistence ?? { isOn: false, position: { line: 1, column: 1 } }
    if (!isOn && at >= 0) this.#settings.splice(at, 1)
    if (isOn && at < 0) this.#warn(position, 'persistence is off, for there is no persistence_location')
  }

  #listener(value: string, position: Position): void {
    const [port = '', host = ''] = value.split(/\s+/)
    if (!/^\d+$/.test(port)) throw new ConfigError(this.#path, position, 'listener: expected a port')
    this.#listeners.push(newListener(port, host, position))
  }

  #bind(value: string, position: Position): void {
    const listener = this.#listeners.at(-1) ?? newListener('1883', '', position)
    if (this.#listeners.length === 0) this.#listeners.push(listener)
    listener.host = value
  }

  #protocol(value: string, position: Position): void {
    const listener = this.#listeners.at(-1)
    if (value === 'websockets' && listener !== undefined) listener.isWebSocket = true
    else if (value !== 'mqtt') this.#warn(position, `protocol ${value} is not supported and has no effect`)
  }

  #expiration(value: string, position: Position): void {
    const [, count, unit] = /^(\d+)([hdwmy])$/.exec(value) ?? []
    if (count === undefined)
      throw new ConfigError(this.#path, position, 'persistent_client_expiration: expected a time like 12h or 14d')
    const seconds = Math.min(Number(count) * SECONDS_PER_UNIT[unit!]!, 0xffff_fffe)
    this.#set('maxSessionExpiry', 'persistent_client_expiration', String(seconds), position)
  }

  #set(key: string, name: string, text: string, position: Position): void {
    const row = this.#rows[key]
    if (row === undefined) {
      this.#warn(position, `${name} is not supported and has no effect`)
      return
    }
    const listener = this.#listeners.at(-1)
    if (listener !== undefined && key in listenerRows) {
      listener.own.push({ key, name, text, position })
      return
    }
    const earlier = this.#settings.find((setting) => setting.key === key)
    if (earlier !== undefined && !row.repeatable && earlier.text !== text) {
      this.#warn(
        position,
        `${name} holds for all listeners here: ${shortestName(key, row)} is ${text}, no longer ${earlier.text}`,
      )
    }
    this.#settings.push({ key, name, text, position })
  }

  #warn({ line, column }: Position, what: string): void {
    this.#warnings.push(`${this.#path}:${line}:${column}: ${what}`)
  }
}

function newListener(port: string, host: string, position: Position): Listener {
  return { port, host, isWebSocket: false, isTls: false, own: [], position }
}

function urlOf({ port, host, isWebSocket, isTls }: Listener): string {
  if (port === '0') return `unix:${host}`
  const scheme = (isWebSocket ? 'ws' : 'mqtt') + (isTls ? 's' : '')
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
}
