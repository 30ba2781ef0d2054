import { flag, one, ValueError, type ValueKind } from './option-row.ts'
import { integer, text } from './values.ts'

const tlsVersion: ValueKind<'TLSv1.2' | 'TLSv1.3'> = {
  name: 'VERSION',
  read: (typed) => {
    const [, version] = /^(?:tlsv)?(1\.[23])$/i.exec(typed) ?? []
    if (version === undefined) throw new ValueError('1.2 or 1.3; older ones are broken')
    return version === '1.2' ? 'TLSv1.2' : 'TLSv1.3'
  },
}

const pskKey: ValueKind<Buffer> = {
  name: 'HEX',
  read: (typed) => {
    if (!/^(?:[0-9a-f]{2})+$/i.test(typed)) throw new ValueError('a key in hexadecimal, two digits per byte')
    return Buffer.from(typed, 'hex')
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
  alpn: one(text('NAME'), {
    group: 'TLS',
    aliases: ['tls-alpn'],
    help: 'application protocol to ask for, as in mqtt or x-amzn-mqtt-ca',
  }),
  tlsVersion: one(tlsVersion, { group: 'TLS', help: 'this version of TLS only: 1.2 or 1.3' }),
  ciphers: one(text('LIST'), { group: 'TLS', help: 'ciphers to offer, as OpenSSL names them' }),
  psk: one(pskKey, {
    group: 'TLS',
    secret: true,
    help: 'pre-shared key in hex in place of certificates; implies --tls',
    more: 'Other users of the machine can see what stands on a command line: prefer the environment variable.',
  }),
  pskIdentity: one(text('NAME'), { group: 'TLS', help: 'who we are, for --psk' }),
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
  requireClientCert: flag({
    group: 'TLS',
    help: 'let in only clients with a certificate of --tls-ca',
    more: 'It comes before user names and passwords, and stands for none.',
  }),
} as const
