import { expect, it } from 'vitest'
import { isSaturated, ProcessMeter } from '../../src/load/meters.ts'

it.each([
  ['a busy event loop', { cpu: 0.5, busy: 0.91 }, 0, true],
  ['a whole processor', { cpu: 1.2, busy: 0.5 }, 0, true],
  ['less than that', { cpu: 0.89, busy: 0.89 }, 4, false],
  ['messages that leave late', { cpu: 0.1, busy: 0.1 }, 6, true],
])('the verdict on %s', (_, use, sendDelayP99Ms, saturated) => {
  expect(isSaturated({ ...use, eventLoopLagP99Ms: 0 }, sendDelayP99Ms)).toBe(saturated)
})

it.skipIf(process.platform !== 'linux')('reads processor and memory of a process', () => {
  const meter = new ProcessMeter(process.pid)
  const { user, system } = process.cpuUsage()
  for (let used = 0; used < 60_000; ) {
    const now = process.cpuUsage()
    used = now.user + now.system - user - system
  }

  const { cpu, residentMb } = meter.read()
  expect(cpu).toBeGreaterThan(0)
  expect(residentMb).toBeGreaterThan(1)
})

it.skipIf(process.platform !== 'linux')('refuses a process that does not exist', () => {
  expect(() => new ProcessMeter(2 ** 30)).toThrow('ENOENT')
})
