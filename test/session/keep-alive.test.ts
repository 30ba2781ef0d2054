import { describe, expect, it } from 'vitest'
import { keepAliveDeadlineMs, pingDueMs, pingrespOverdueMs } from '../../src/session/keep-alive.ts'
import { PingSchedule } from '../../src/session/ping-schedule.ts'

const NEVER = Number.POSITIVE_INFINITY

describe('the arithmetic of Keep Alive', () => {
  it.each([
    [10, 500, 15_500],
    [1, 0, 1_500],
    [65_535, 0, 98_302_500],
    [0, 500, NEVER],
  ])('[v5:MQTT-3.1.2-22] [v311:MQTT-3.1.2-24] lets a client of %i s be silent for 1.5 times as long', (k, last, at) => {
    expect(keepAliveDeadlineMs(k, last)).toBe(at)
  })

  it.each([
    [10, 500, 9_500],
    [1, 0, 900],
    [0, 500, NEVER],
  ])('[v5:MQTT-3.1.2-20] [v311:MQTT-3.1.2-23] pings a tenth before %i s are over', (k, last, at) => {
    expect(pingDueMs(k, last)).toBe(at)
  })

  it.each([
    [60, 30_000],
    [1, 1_000],
    [65_535, 60_000],
  ])('[v311:U311-3.1.2.10-1] gives PINGRESP a time that suits %i s', (k, waitMs) => {
    expect(pingrespOverdueMs(k, 7)).toBe(7 + waitMs)
  })
})

describe('PingSchedule', () => {
  it('asks for PINGREQ once, each time it is due', () => {
    const pings = new PingSchedule(10, 0)

    expect(pings.nextDeadlineMs).toBe(9_000)
    expect([pings.takeDue(8_999), pings.takeDue(9_000), pings.takeDue(9_001)]).toEqual([false, true, false])
    pings.answered()
    expect(pings.nextDeadlineMs).toBe(18_000)
  })

  it('gives the Server up when nothing comes after PINGREQ', () => {
    const pings = new PingSchedule(10, 0)
    pings.takeDue(9_000)

    expect(pings.nextDeadlineMs).toBe(14_000)
    expect([pings.isOverdue(13_999), pings.isOverdue(14_000)]).toEqual([false, true])
  })

  it('takes any bytes for a sign of life, and goes on pinging', () => {
    const pings = new PingSchedule(10, 0)
    pings.takeDue(9_000)
    pings.received(13_000)

    expect(pings.isOverdue(14_000)).toBe(false)
    expect(pings.nextDeadlineMs).toBe(18_000)
    expect(pings.takeDue(18_000)).toBe(true)
    expect(pings.isOverdue(18_000)).toBe(true)
  })

  it('forgets the open PINGREQ when PINGRESP comes', () => {
    const pings = new PingSchedule(10, 0)
    pings.takeDue(9_000)
    pings.answered()

    expect(pings.isOverdue(1_000_000)).toBe(false)
  })

  it('never asks for anything when Keep Alive is off', () => {
    const pings = new PingSchedule(0, 0)

    expect(pings.nextDeadlineMs).toBe(NEVER)
    expect([pings.takeDue(1e12), pings.isOverdue(1e12)]).toEqual([false, false])
  })
})
