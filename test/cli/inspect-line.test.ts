import { expect, it } from 'vitest'
import { LineView } from '../../src/cli/output/inspect-line.ts'
import { createPainter } from '../../src/cli/terminal.ts'
import { Role } from '../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { LenientDecoder } from '../../src/inspect/lenient-decoder.ts'

const PARTIES = { client: '', server: '', clientId: 'a-client-with-a-long-name', isWhole: true, closed: null }

async function lineOf(columns: number, note = ''): Promise<string> {
  const [puback] = new LenientDecoder(Role.SERVER, ProtocolVersion.V3_1_1).push(Buffer.from('40020001', 'hex'), {
    stream: 3,
    frame: 1,
    timeSeconds: 1,
  })
  return new LineView(await createPainter(false), columns).line(puback!, PARTIES, note)
}

it('a line that is too long loses the client identifier before it loses the packet, and never size and note', async () => {
  expect(await lineOf(80)).toBe('   0.000000 #3 a-client-with-a-long-name <- PUBACK id=1, 4 B\n')
  expect(await lineOf(50)).toBe('   0.000000 #3 a-client... <- PUBACK id=1, 4 B\n')
  expect(await lineOf(40, 'dropped')).toBe('   0.000000 #3 a-client..., 4 B, dropped\n')
})
