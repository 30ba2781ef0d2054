import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { describeBrokenPacketsOnClient } from '../../support/violation-suites.ts'

describeBrokenPacketsOnClient(ProtocolVersion.V5)
