import { type Address, formatAddress } from './address.ts'
import { TransportError } from './transport-error.ts'

/** An address in the form that node:net takes. */
export type Endpoint = { path: string } | { host: string; port: number }

/** Room for the path in sockaddr_un without its last zero byte; Node on older libuv cuts a longer one off silently. */
const MAXIMUM_PATH_BYTES: Partial<Record<NodeJS.Platform, number>> = {
  linux: 107,
  darwin: 103,
  freebsd: 103,
  openbsd: 103,
}

/**
 * @returns host '' stays ''
 * @throws TransportError ENAMETOOLONG for a unix path the system cannot hold
 */
export function endpointOf(kind: 'connect' | 'listen', address: Address): Endpoint {
  switch (address.scheme) {
    case 'mqtt':
    case 'ws':
    case 'mqtts':
    case 'wss':
      return { host: address.host, port: address.port }
    case 'unix':
      if (Buffer.byteLength(address.path) > (MAXIMUM_PATH_BYTES[process.platform] ?? Number.POSITIVE_INFINITY)) {
        throw new TransportError(kind, 'ENAMETOOLONG', formatAddress(address), null)
      }
      return { path: address.path }
  }
}
