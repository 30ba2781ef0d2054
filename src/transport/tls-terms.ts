/** A version of TLS as Node writes it; those before 1.2 are not spoken. */
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3'

/** What both sides may say. */
interface TlsTerms {
  /** as OpenSSL writes them: `TLS_AES_256_GCM_SHA384:ECDHE-RSA-AES128-GCM-SHA256` */
  readonly ciphers?: string
  /** gets lines as in a file of SSLKEYLOGFILE: whoever has them can read everything */
  readonly keyLog?: (line: Buffer) => void
}

/** What a listener with TLS shows and asks for; texts are PEM. With keys shared beforehand it may do without a certificate. */
export interface TlsServerTerms extends TlsTerms {
  /** the certificate and those between it and the root */
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  /** the oldest one that is spoken; default TLSv1.2 */
  readonly minimumVersion?: TlsVersion
  /** keys by identity of the client */
  readonly preSharedKeys?: ReadonlyMap<string, Buffer>
  /** who signs the certificates of clients; absent: the authorities that Node knows */
  readonly ca?: string | Buffer
  /** true: a client without a certificate of a known authority is not let in; default false */
  readonly requireClientCertificate?: boolean
  /** true: a client is told by the Common Name of its certificate, or by the identity of its key; default false */
  readonly namesClients?: boolean
}

/** How a client speaks TLS; texts are PEM. */
export interface TlsClientTerms extends TlsTerms {
  /** the only authorities that are believed; absent: those that Node knows */
  readonly ca?: string | Buffer
  /** our own certificate, with its key */
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  /** of an encrypted key */
  readonly keyPassword?: string
  /** true: whoever answers is believed, so that anybody on the way can read and change everything; default false */
  readonly insecure?: boolean
  /** the name to ask for and to find in the certificate; absent: the host of the address */
  readonly serverName?: string
  /**
   * SHA-256 of the one authority, or the one certificate, that is believed: hex in upper case with colons. Of an authority, which
   * the Server has to show, name and dates of the certificate are verified too.
   */
  readonly trustedFingerprint?: string
  /** protocols to offer (RFC 7301) */
  readonly alpn?: readonly string[]
  /** the only version that is spoken; default 1.2 and 1.3 */
  readonly version?: TlsVersion
  /** in place of certificates: who we are, and the key that the Server has too */
  readonly preSharedKey?: { readonly identity: string; readonly key: Buffer }
}
