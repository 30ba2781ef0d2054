import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'

/** Who may open the pages that are clients of the broker, and their WebSocket. It is asked each time, for a reload may change it. */
export interface PageAccess {
  /** as it was given to listen on: name or IP address, IPv6 without brackets */
  readonly host: string
  /** other machines can reach it, and nobody has to say who he is, and that was not wanted */
  isExposed(): boolean
  /** clients have to say who they are */
  isAuthenticating(): boolean
}

/** Why a page is not given. */
export interface PageRefusal {
  readonly status: number
  /** for who asked, and what to try */
  readonly reason: string
}

/**
 * Judges a request for a page. Whoever makes a name of his own point to this machine (DNS rebinding) could have a page of his speak to a
 * broker that asks nobody for a password: so there only names are taken that are no such thing.
 */
export function pageRefusal({ host }: IncomingHttpHeaders, access: PageAccess): PageRefusal | null {
  if (access.isExposed()) {
    return {
      status: 403,
      reason:
        'other machines can reach this address, and everybody there could use the broker: start it with --user or ' +
        '--password-file, with --allow-anonymous if that is wanted, or with --http on 127.0.0.1',
    }
  }
  if (access.isAuthenticating() || isOwnName(hostNameOf(host), access.host)) return null
  return {
    status: 421,
    reason: 'the name in the address is not known here: use an IP address or localhost, or give the name to --http',
  }
}

/**
 * As {@link pageRefusal}, for the WebSocket of a page: only a page that came from here may use it. Other programs send no Origin.
 */
export function socketRefusal(headers: IncomingHttpHeaders, access: PageAccess): PageRefusal | null {
  const { origin, host } = headers
  if (origin !== undefined && !isSameHost(origin, host)) {
    return { status: 403, reason: 'pages of other sites may not connect here' }
  }
  return pageRefusal(headers, access)
}

// The scheme may differ: TLS ends at a proxy.
function isSameHost(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && host !== undefined && new URL(origin).host === withoutDefaultPort(origin, host)
}

function withoutDefaultPort(origin: string, host: string): string {
  const url = `${new URL(origin).protocol}//${host}`
  return URL.canParse(url) ? new URL(url).host : host
}

function hostNameOf(host: string | undefined): string | null {
  const url = `http://${host}`
  if (host === undefined || !URL.canParse(url)) return null
  const { hostname, username, pathname } = new URL(url)
  return username === '' && pathname === '/' ? hostname.replace(/^\[(.*)\]$/, '$1') : null
}

function isOwnName(name: string | null, given: string): boolean {
  if (name === null) return false
  return isIP(name) > 0 || name === 'localhost' || name.endsWith('.localhost') || name === given.toLowerCase()
}
