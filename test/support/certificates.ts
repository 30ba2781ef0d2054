import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findPeer } from './peers.ts'

/** Is the command openssl here, with which test certificates are made? */
export const hasOpenssl = findPeer('openssl', 'openssl', ['version'])

/** A certificate with its key: the files and what is in them. */
export interface Certificate {
  readonly certFile: string
  readonly keyFile: string
  readonly cert: string
  readonly key: string
}

/** A certificate authority in a folder of its own. */
export class TestAuthority {
  readonly #folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-tls-'))
  readonly ca: Certificate

  /** Made new each time: two of them do not know each other. */
  constructor() {
    this.#openssl('req', '-x509', ...newKey('ca'), '-out', 'ca.crt', '-days', '30', '-subj', '/CN=test authority')
    this.ca = this.#read('ca')
  }

  /**
   * @param subjectAltName as OpenSSL writes it: `DNS:localhost,IP:127.0.0.1`
   * @param days of life; -1: it has expired
   */
  issue(name: string, subjectAltName: string, days = 30): Certificate {
    writeFileSync(join(this.#folder, `${name}.ext`), `subjectAltName=${subjectAltName}\n`)
    this.#openssl('req', ...newKey(name), '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', String(days)]
    this.#openssl('x509', '-req', '-in', `${name}.csr`, ...signed, '-extfile', `${name}.ext`, '-out', `${name}.crt`)
    return this.#read(name)
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true })
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.#folder, stdio: 'pipe' })
  }

  #read(name: string): Certificate {
    const certFile = join(this.#folder, `${name}.crt`)
    const keyFile = join(this.#folder, `${name}.key`)
    return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
  }
}

function newKey(name: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`]
}
