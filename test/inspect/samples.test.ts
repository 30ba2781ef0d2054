import { describe, expect, it } from 'vitest'
import { Role } from '../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { inspectBytes } from '../../src/inspect/inspector.ts'
import samples from '../vectors/malformed-samples.json' with { type: 'json' }

const versions: Readonly<Record<string, ProtocolVersion>> = {
  '3.1.1': ProtocolVersion.V3_1_1,
  '5.0': ProtocolVersion.V5,
}

/** Faults of framing have no statement of their own. */
const framing: Readonly<Record<string, string>> = {
  'trailing-bytes': 'TRAILING_BYTES',
  truncated: 'STREAM_ENDS_INSIDE_PACKET',
}

describe('inspect names the broken rule of', () => {
  it.each(samples.map((sample) => [sample.name, sample] as const))('%s', (_, { version, dir, hex, violates }) => {
    const known = { version: versions[version]!, sender: dir === 'c2s' ? Role.CLIENT : Role.SERVER }
    const issues = inspectBytes(Buffer.from(hex, 'hex'), known).packets.flatMap((packet) => packet.issues)
    const named = issues.map(({ id, violation }) => (Object.values(framing).includes(violation) ? violation : id))

    if (violates.length === 0) expect(issues).toEqual([])
    else expect(violates.map((id) => framing[id] ?? id)).toContain(named[0])
    for (const { start, end } of issues) expect(start >= 0 && start < end && end <= hex.length / 2).toBe(true)
  })
})

describe('inspect finds its way back', () => {
  it('behind bytes that are no packet', () => {
    const bytes = Buffer.from('30ffffffffff30070003612f786869c000', 'hex')
    const { packets } = inspectBytes(bytes, { version: ProtocolVersion.V3_1_1, sender: Role.CLIENT })

    expect(packets.map(({ offset, issues }) => [offset, issues.length > 0])).toEqual([
      [0, true],
      [6, false],
      [15, false],
    ])
  })
})
