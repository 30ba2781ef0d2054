import { acknowledgementVectors } from './acknowledgement.ts'
import { connackVectors } from './connack.ts'
import { connectVectors } from './connect.ts'
import { connectionVectors } from './connection.ts'
import type { PacketVector } from './packet-vector.ts'
import { publishVectors } from './publish.ts'
import { subscriptionVectors } from './subscribe.ts'

/** Every valid packet that is written down here, for suites that run them all. */
export const packetVectors: readonly PacketVector[] = [
  ...connectVectors,
  ...connackVectors,
  ...publishVectors,
  ...acknowledgementVectors,
  ...subscriptionVectors,
  ...connectionVectors,
]
