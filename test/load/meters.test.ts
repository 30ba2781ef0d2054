import { expect, it } from 'vitest'
import { generatorUse, ProcessMeter } from '../../src/load/meters.ts'

it.each([
  ['nine tenths of a processor and more', 910, 0, true],
  ['less than that', 890, 0, false],
  ['messages that leave late', 100, 6, true],
])('the verdict on %s', (_, busyMs, sendDelayP99Ms, saturated) => {
  expect(generatorUse(busyMs, 1000, 0, sendDelayP99Ms).saturated).toBe(saturated)
})

it.skipIf(process.platform !== 'linux')('reads processor and memory of a process', () => {
  const meter = new ProcessMeter(process.pid)
  const endMs = performance.now() + 60
  while (performance.now() < endMs);

  const { cpu, residentMb } = meter.read()
  expect(cpu).toBeGreaterThan(0)
  expect(residentMb).toBeGreaterThan(1)
})

it.skipIf(process.platform !== 'linux')('refuses a process that does not exist', () => {
  expect(() => new ProcessMeter(2 ** 30)).toThrow('ENOENT')
})
