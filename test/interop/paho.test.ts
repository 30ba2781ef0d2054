import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { pythonWithPaho, run } from '../support/peers.ts'
import { startBroker } from '../support/test-broker.ts'

const python = pythonWithPaho()
const script = fileURLToPath(new URL('talk.py', import.meta.url))

describe.skipIf(python === null)('paho-mqtt of Python', () => {
  it.each(['3.1', '3.1.1', '5.0'])(
    'publishes, receives, finds retained, wills and offline messages at %s',
    async (version) => {
      const { url } = await startBroker()
      expect(await run(python!, script, new URL(url).port, version)).toEqual({
        exitCode: 0,
        stdout: 'all is well\n',
        stderr: '',
      })
    },
  )
})
