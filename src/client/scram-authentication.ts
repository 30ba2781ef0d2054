import { randomBytes } from 'node:crypto'
import { SCRAM_SHA_256, ScramClient } from '../authentication/scram.ts'
import type { AuthenticationMethod } from './enhanced-authentication.ts'

const NONCE_BYTES = 18

/** SCRAM-SHA-256: client and Server prove to each other that they know the password, which is never sent. */
export function scramAuthentication(userName: string, password: Uint8Array): AuthenticationMethod {
  return {
    name: SCRAM_SHA_256,
    start() {
      const scram = new ScramClient(userName, password, randomBytes(NONCE_BYTES).toString('base64'))
      return {
        first: scram.first(),
        answer: (data) => scram.final(data),
        finish: (data) => scram.verify(data),
      }
    },
  }
}
