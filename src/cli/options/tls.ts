import { flag, one } from './option-row.ts'
import { integer, text } from './values.ts'

/** TLS as a client. */
export const tlsClientOptions = {
  tls: flag({ group: 'TLS', help: 'use TLS, as mqtts:// and wss:// do; the port is 8883 unless given' }),
  ca: one(text('FILE'), {
    group: 'TLS',
    aliases: ['cafile'],
    help: 'believe these authorities only (PEM)',
    more: 'Without it the authorities that Node knows are believed; the environment variable NODE_EXTRA_CA_CERTS adds to them.',
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
  insecure: flag({
    group: 'TLS',
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
