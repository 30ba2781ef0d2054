import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { IncomingHttpHeaders } from 'node:http'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

/** A file of a page, ready to be sent. */
interface PageFile {
  readonly bytes: Buffer
  readonly zipped: Buffer
  readonly etag: string
  readonly contentType: string
}

/** What is sent. */
export interface PageAnswer {
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  readonly bytes: Buffer
}

/** All there is, by path: a request names one of these and no file. */
const files: ReadonlyMap<string, string> = new Map([
  ['/', 'index.html'],
  ['/page.js', 'page.js'],
  ['/page.css', 'page.css'],
  ['/icon.svg', 'icon.svg'],
  ['/chat/', 'chat/index.html'],
  ['/chat/chat.js', 'chat/chat.js'],
  ['/chat/chat.css', 'chat/chat.css'],
  ['/chat/mqtt.min.js', 'chat/mqtt.min.js'],
  ['/chat/mqtt.LICENSE.md', 'chat/mqtt.LICENSE.md'],
])

const contentTypes: { readonly [extension: string]: string } = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.md': 'text/plain; charset=utf-8',
}

const NOTHING = Buffer.alloc(0)

/** The dashboard and the chat example, read when they are asked for and kept from then on. */
export class PageFiles {
  readonly #folder: string
  readonly #read = new Map<string, Promise<PageFile>>()

  /** @param folder that scripts/build.mjs has filled */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** Is there a page, or a part of one? */
  has(path: string): boolean {
    return files.has(path) || path === '/chat'
  }

  /** @param path one that there {@link has is} @throws the error of the system when it cannot be read */
  async answer(path: string, headers: IncomingHttpHeaders): Promise<PageAnswer> {
    if (path === '/chat') return { status: 308, headers: { location: '/chat/' }, bytes: NOTHING }
    const { bytes, zipped, etag, contentType } = await this.#file(files.get(path)!)
    const common = { etag, vary: 'accept-encoding', ...protection(headers.host) }
    if (headers['if-none-match'] === etag) return { status: 304, headers: common, bytes: NOTHING }
    const isZipped = /\bgzip\b/.test(String(headers['accept-encoding'] ?? ''))
    return {
      status: 200,
      headers: {
        ...common,
        'content-type': contentType,
        ...(isZipped ? { 'content-encoding': 'gzip' } : {}),
      },
      bytes: isZipped ? zipped : bytes,
    }
  }

  #file(name: string): Promise<PageFile> {
    let reading = this.#read.get(name)
    if (reading === undefined) {
      reading = this.#load(name)
      this.#read.set(name, reading)
      // it may be there next time
      reading.catch(() => this.#read.delete(name))
    }
    return reading
  }

  async #load(name: string): Promise<PageFile> {
    const bytes = await readFile(join(this.#folder, name))
    const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
    return { bytes, zipped: await promisify(gzip)(bytes), etag, contentType: contentTypes[extname(name)]! }
  }
}

/**
 * Nothing runs in a page but its own files, nobody shows it in a frame, and it speaks to this server alone.
 * @param host as the request names it, judged before; not every browser takes 'self' for a WebSocket
 */
function protection(host = ''): { readonly [name: string]: string } {
  const sockets = /^[\w.:[\]-]+$/.test(host) ? ` ws://${host} wss://${host}` : ''
  return {
    'content-security-policy':
      `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'${sockets}; ` +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    // asked about each time, and sent again only when it has changed
    'cache-control': 'no-cache',
  }
}
