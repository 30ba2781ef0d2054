import { framingViolations } from './framing.ts'
import { packetViolations } from './packets.ts'
import { propertyViolations } from './properties.ts'
import { stringViolations } from './strings.ts'
import { topicViolations } from './topics.ts'
import type { ViolationVector } from './violation-vector.ts'

/** Every broken packet that is written down here, for suites that run them all. */
export const violationVectors: readonly ViolationVector[] = [
  ...framingViolations,
  ...stringViolations,
  ...topicViolations,
  ...propertyViolations,
  ...packetViolations,
]
