import { flag, many, one, ValueError, type ValueKind } from './option-row.ts'
import { choice, integer, text } from './values.ts'

const SHA256_HEX_DIGITS = 64

const fingerprint: ValueKind<string> = {
  name: 'SHA256',
  read: (typed) => {
    const digits = typed
      .replace(/^sha256:/i, '')
      .replaceAll(':', '')
      .toUpperCase()
    if (!/^[\dA-F]+$/.test(digits) || digits.length !== SHA256_HEX_DIGITS) {
      throw new ValueError('a SHA-256 fingerprint of 64 hex digits, with or without colons')
    }
    return digits.replace(/..(?!$)/g, '$&:')
  },
}

const hexKey: ValueKind<Buffer> = {
  name: 'HEX',
  read: (typed) => {
    if (!/^(?:[\da-f]{2})+$/i.test(typed)) throw new ValueError('a key in hexadecimal, two digits for each byte')
    return Buffer.from(typed, 'hex')
  },
}

const tlsVersion: ValueKind<'TLSv1.2' | 'TLSv1.3'> = {
  name: 'VERSION',
  choices: ['1.2', '1.3'],
  read: (typed) => {
    const [, version] = /^(?:tlsv)?(1\.[23])$/i.exec(typed) ?? []
    if (version === undefined) throw new ValueError('1.2 or 1.3; older ones are broken')
    return version === '1.2' ? 'TLSv1.2' : 'TLSv1.3'
  },
}

/** TLS as a client. */
export const tlsClientOptions = {
  tls: flag({ group: 'TLS', help: 'use TLS, as mqtts:// and wss:// do; the port is 8883 unless given' }),
  ca: one(text('FILE'), {
    group: 'TLS',
    aliases: ['cafile', 'ca-cert', 'capath'],
    help: 'believe these authorities only (PEM); implies --tls',
    more:
      'A folder stands for all PEM files in it. Without it the authorities that Node knows are believed; the environment ' +
      'variable NODE_EXTRA_CA_CERTS adds to them.',
  }),
  systemCa: flag({
    group: 'TLS',
    aliases: ['tls-use-os-certs'],
    help: 'believe the authorities of the operating system; implies --tls',
  }),
  cert: one(text('FILE'), { group: 'TLS', help: 'certificate of this client (PEM), with --key' }),
  key: one(text('FILE'), { group: 'TLS', help: 'key of --cert (PEM)' }),
  keyPassword: one(text('PASSWORD'), {
    group: 'TLS',
    secret: true,
    help: 'password of an encrypted --key',
    more: 'Other users of the machine can see what stands on a command line: prefer the environment variable.',
  }),
  servername: one(text('NAME'), {
    group: 'TLS',
    help: 'name to ask for and to find in the certificate',
    default: 'the host',
  }),
  trust: one(fingerprint, {
    group: 'TLS',
    help: 'believe the CA or the certificate with this fingerprint only; implies --tls',
    more:
      'serve --tls-dev prints it. The broker has to show that CA; name and dates of its certificate are verified. The fingerprint of ' +
      "the broker's own certificate stands for exactly this one, whatever name it has.",
  }),
  alpn: many(text('PROTOCOL'), {
    group: 'TLS',
    aliases: ['tls-alpn'],
    help: 'protocol to offer in the handshake (ALPN), repeatable',
  }),
  tlsVersion: one(tlsVersion, {
    group: 'TLS',
    default: 'both',
    help: 'version of TLS: 1.2 or 1.3',
  }),
  ciphers: one(text('LIST'), { group: 'TLS', help: 'ciphers, as OpenSSL writes them, with : between' }),
  psk: one(hexKey, {
    group: 'TLS',
    secret: true,
    help: 'key that the broker has too, in place of certificates, with --psk-identity; implies --tls',
    more: 'Other users of the machine can see what stands on a command line: prefer the environment variable.',
  }),
  pskIdentity: one(text('NAME'), { group: 'TLS', help: 'name under which the broker knows the key of --psk' }),
  insecure: flag({
    group: 'TLS',
    aliases: ['skip-tls-verification'],
    help: 'believe any certificate: anybody on the way can listen',
  }),
} as const

/** TLS as a broker. */
export const tlsServerOptions = {
  tlsPort: one(integer('PORT', 0, 65_535), {
    group: 'TLS',
    help: 'listen for TLS too, on this port of --host; see --tls-cert',
  }),
  wssPort: one(integer('PORT', 0, 65_535), {
    group: 'TLS',
    help: 'listen for WebSocket with TLS too, path /mqtt',
  }),
  tlsCert: one(text('FILE'), {
    group: 'TLS',
    help: 'certificate for mqtts:// and wss:// (PEM), with its chain',
    more: 'SIGHUP reads certificate, key and authorities anew; whoever is connected stays.',
  }),
  tlsKey: one(text('FILE'), { group: 'TLS', help: 'key of --tls-cert (PEM)' }),
  tlsCa: one(text('FILE'), {
    group: 'TLS',
    help: 'authorities that sign the certificates of clients (PEM)',
  }),
  tlsDev: flag({
    group: 'TLS',
    help: 'make a CA and a certificate for development, once, and use it',
    more:
      'Both are kept in $XDG_DATA_HOME/mqtt-kit/tls-dev (~/.local/share without that variable). The certificate is for localhost, the ' +
      'name of this machine, the addresses of --host and --listen, and --tls-name. What clients need is told on stderr: the ' +
      "fingerprint for their --trust, and the CA's file. Without a listener for TLS there is one on port 8883.",
  }),
  tlsName: many(text('NAME'), { group: 'TLS', help: 'name or address in the certificate of --tls-dev, repeatable' }),
  tlsMinVersion: one(choice('VERSION', ['1.2', '1.3']), {
    group: 'TLS',
    default: '1.2',
    help: 'oldest version of TLS that clients may speak: 1.2 or 1.3',
  }),
  tlsCiphers: one(text('LIST'), { group: 'TLS', help: 'ciphers, as OpenSSL writes them, with : between' }),
  pskFile: one(text('FILE'), {
    group: 'TLS',
    help: 'keys in place of certificates: lines identity:hexadecimal key',
    more: 'The form is that of mosquitto. With it a listener for TLS needs no certificate.',
  }),
  requireClientCert: flag({
    group: 'TLS',
    help: 'let in only clients with a certificate of --tls-ca',
    more: 'It comes before user names and passwords, and stands for none unless --cert-user is given too.',
  }),
  certUser: flag({
    group: 'TLS',
    help: "take a client's user name from its certificate or key",
    more:
      'It is the Common Name of the certificate that --require-client-cert asks for, or the identity of a key of --psk-file. On listeners ' +
      'for TLS nobody is asked for user name and password then, and what CONNECT holds of them is passed over; a certificate without ' +
      'exactly one Common Name is refused.',
  }),
} as const
