import { Connect } from '../../codec/packets/connect.ts'
import type { Properties } from '../../codec/property.ts'
import { ownCopy } from '../own-copy.ts'

/**
 * What of a CONNECT is remembered as long as its connection: a packet looks into its chunk of the capture, which it would
 * keep alive. Properties that are no numbers, and the password, are left out.
 */
export function remembered({ version, clientId, cleanStart, keepAliveSeconds, will, properties }: Connect): Connect {
  return new Connect({
    version,
    clientId,
    cleanStart,
    keepAliveSeconds,
    will: will === null ? null : { ...will, payload: ownCopy(will.payload), properties: numbersOf(will.properties) },
    properties: numbersOf(properties),
  })
}

function numbersOf(properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => typeof value === 'number'))
}
