import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { describeBrokenPacketsOnBroker } from '../../support/violation-suites.ts'

describeBrokenPacketsOnBroker(ProtocolVersion.V3_1_1)
