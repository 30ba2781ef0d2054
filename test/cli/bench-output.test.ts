import { stripVTControlCharacters } from 'node:util'
import { expect, it } from 'vitest'
import { sparkline } from '../../src/cli/output/bench-progress.ts'
import { run } from '../support/program.ts'
import { startBroker } from '../support/test-broker.ts'

it('draws rates as bars, as many of the last as there is room for', () => {
  expect(sparkline([0, 50, 100])).toBe('▁▅█')
  expect(sparkline([1, 2, 8, 4], 2)).toBe('█▅')
  expect(sparkline([1, 2], 0)).toBe('')
  expect(sparkline([1, 2], -7)).toBe('')
})

it('paints the headings of its tables, and changes nothing else of them, in 80 columns', async () => {
  const { url } = await startBroker()
  const args = ['bench', url, '-c', '1', '-n', '10', '--quiet']
  const { stdout } = await run(args, { environment: { FORCE_COLOR: '1' } })

  expect(stdout).toContain('\u001b[1mp99.9\u001b[22m')
  const plain = stripVTControlCharacters(stdout)
  expect(plain).toMatch(/^ latency, ms +min +mean +p50 +p90 +p99 +p99\.9 +max +count$/m)
  expect(Math.max(...plain.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
})
