/** What a listener with TLS shows and asks for; texts are PEM. */
export interface TlsServerTerms {
  /** the certificate and those between it and the root */
  readonly cert: string | Buffer
  readonly key: string | Buffer
  /** who signs the certificates of clients; absent: the authorities that Node knows */
  readonly ca?: string | Buffer
  /** true: a client without a certificate of a known authority is not let in; default false */
  readonly requireClientCertificate?: boolean
}

/** How a client speaks TLS; texts are PEM. */
export interface TlsClientTerms {
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
  /** the application protocol to ask for (ALPN); a server that chooses another one, or none, is taken all the same */
  readonly alpn?: string
  /** this version only; absent: 1.2 or 1.3 */
  readonly version?: 'TLSv1.2' | 'TLSv1.3'
  /** as OpenSSL names them; absent: those of Node, and with {@link psk} all that go with it */
  readonly ciphers?: string
  /** a key that both sides know, in place of certificates */
  readonly psk?: { readonly key: Buffer; readonly identity: string }
  /** hears the secrets of the connection, a line each, as NSS writes them for tools that decipher captures */
  keyLog?(line: Buffer): void
}
