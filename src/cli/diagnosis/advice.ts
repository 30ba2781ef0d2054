/** Why something probably fails, and what to try. */
export interface Advice {
  readonly cause: string
  readonly remedy: string
}

const PORTS = 'MQTT is mostly on 1883, with TLS on 8883, with WebSocket on 80, 8080 or 8083, with both on 443 or 8084'

const unknownAuthority: Advice = {
  cause:
    'The certificate is signed by an authority that this machine does not know, or the broker does not send the one in between.',
  remedy:
    'Give the CA with --ca FILE or its fingerprint with --trust; on the broker, put the whole chain into the certificate file.',
}
const ownCertificate: Advice = {
  cause: 'The broker knows its clients by certificate, and refuses ours.',
  remedy:
    'Give the certificate with --cert and --key; it must not be expired, and be signed by the CA that the broker asks for.',
}
/** A broker on Node, ours too, ends the connection without an alert. */
const silentlyRefused: Advice = {
  cause: 'The broker may refuse the certificate of --cert without saying so, or there is no broker behind the port.',
  remedy:
    'Look into the log of the broker; the certificate must not be expired, and be signed by the CA that the broker asks for.',
}
const noTls: Advice = {
  cause: 'The port speaks no TLS: plain MQTT, plain HTTP or something else.',
  remedy: `Use the address without TLS (mqtt:// or ws://), or another port: ${PORTS}.`,
}
const unreachable: Advice = {
  cause: 'There is no way from this network to the address.',
  remedy: 'Check the address, the VPN, and whether IPv6 works here: try the IPv4 address.',
}

const byCode = new Map<string, Advice>([
  [
    'ENOTFOUND',
    {
      cause: 'The name is misspelled, or known only in another network.',
      remedy: 'Check the name; is a VPN needed? An IP address needs no name server.',
    },
  ],
  [
    'EAI_AGAIN',
    {
      cause: 'The name server does not answer: there is no network, or it is out of reach.',
      remedy: 'Check the network and the name server, or use an IP address.',
    },
  ],
  [
    'ECONNREFUSED',
    {
      cause: 'The machine is there, but nothing listens on this port, or only on another of its addresses.',
      remedy: `Start the broker, let it listen on more than 127.0.0.1, or use its port: ${PORTS}.`,
    },
  ],
  [
    'ETIMEDOUT',
    {
      cause: 'A firewall drops what we send, or the machine is off or busy.',
      remedy: 'Open the port in the firewall or security group, check the address, or allow more with --probe-timeout.',
    },
  ],
  ['EHOSTUNREACH', unreachable],
  ['ENETUNREACH', unreachable],
  [
    'ECONNRESET',
    {
      cause: 'A proxy, load balancer or firewall ends the connection, or something else listens there.',
      remedy: 'Check what stands in between, and the port.',
    },
  ],
  [
    'ENOENT',
    {
      cause: 'The broker does not run, or has its socket elsewhere.',
      remedy: 'Start the broker, or look up the path in its configuration.',
    },
  ],
  [
    'EACCES',
    { cause: 'The file of the socket belongs to somebody else.', remedy: 'Run this as a user who may write to it.' },
  ],
  ['EPERM', { cause: 'A firewall on this machine forbids it.', remedy: 'Allow the port in its rules.' }],
  [
    'CERT_HAS_EXPIRED',
    {
      cause:
        'A certificate of the chain was not renewed, or was and the broker was not told; or the clock here is wrong.',
      remedy: 'Renew it and let the broker read it again; check the clock of this machine.',
    },
  ],
  [
    'CERT_NOT_YET_VALID',
    {
      cause: 'The clock of this machine is behind, or that of whoever made the certificate was ahead.',
      remedy: 'Set the clocks.',
    },
  ],
  [
    'ERR_TLS_CERT_ALTNAME_INVALID',
    {
      cause: 'The certificate was made for other names than the one in the address.',
      remedy:
        'Use a name of the certificate as the host or with --servername, or issue a certificate with this name in subjectAltName.',
    },
  ],
  [
    'CERT_NOT_TRUSTED',
    {
      cause: 'The broker shows another certificate than the one of --trust: it was renewed, or somebody is in between.',
      remedy: 'Ask whoever runs the broker for the fingerprint, and compare it with the one above.',
    },
  ],
  ['SELF_SIGNED_CERT_IN_CHAIN', unknownAuthority],
  ['UNABLE_TO_GET_ISSUER_CERT', unknownAuthority],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', unknownAuthority],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', unknownAuthority],
  [
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    {
      cause: 'The certificate is signed by nobody but itself.',
      remedy: 'If the fingerprint above is the right one, give it with --trust, or the certificate with --ca FILE.',
    },
  ],
  ['ERR_SSL_WRONG_VERSION_NUMBER', noTls],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', noTls],
  ['TLS_HANDSHAKE_ENDED', noTls],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', ownCertificate],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', ownCertificate],
  ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', ownCertificate],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', ownCertificate],
  [
    'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
    {
      cause: 'The two sides have no cipher in common, or the broker wants a certificate or a shared key.',
      remedy: 'Look at --cert and --key, --psk and --psk-identity, --ciphers.',
    },
  ],
  [
    'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    {
      cause: 'The broker speaks only TLS 1.1 or older, which is broken.',
      remedy: 'Bring the broker up to date; leave out --tls-version.',
    },
  ],
  [
    'HTTP_REFUSED',
    {
      cause: 'A web server answers, but has no WebSocket at this path.',
      remedy:
        'Check the path: mostly /mqtt, with some brokers /ws or /. Behind a proxy, let it pass on Upgrade and Connection.',
    },
  ],
  [
    'NOT_WEBSOCKET',
    {
      cause: 'What answers is no WebSocket server for MQTT.',
      remedy: 'If it is the port for plain MQTT, use mqtt://; else check port and path.',
    },
  ],
])

/** The other side left and did not say why. */
const SILENT = new Set(['TLS_HANDSHAKE_ENDED', 'ECONNRESET', 'CLOSED'])

const otherwise: Advice = {
  cause: 'The connection does not come about for the reason above.',
  remedy: 'Look into the log of the broker at this time.',
}

/**
 * What to say about a failure below MQTT.
 * @param code of a TransportError
 * @param showsCertificate there is a certificate of ours, which may be why the other side left
 */
export function adviceFor(code: string, showsCertificate = false): Advice {
  if (showsCertificate && SILENT.has(code)) return silentlyRefused
  return byCode.get(code) ?? otherwise
}
