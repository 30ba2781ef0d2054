import { describe, expect, it } from 'vitest'
import { MAXIMUM_PACKET_ID, PacketIds } from '../../src/session/packet-ids.ts'

const NONE = new Set<number>()

function allBut(...free: number[]): Set<number> {
  const open = new Set<number>()
  for (let packetId = 1; packetId <= MAXIMUM_PACKET_ID; packetId++) if (!free.includes(packetId)) open.add(packetId)
  return open
}

describe('PacketIds', () => {
  it('[v5:MQTT-2.2.1-3] [v311:MQTT-2.3.1-1] begins at 1 and goes up', () => {
    const ids = new PacketIds()

    expect([ids.allocate(NONE), ids.allocate(NONE), ids.allocate(NONE)]).toEqual([1, 2, 3])
  })

  it('comes to 1 after 65,535, never to 0', () => {
    const ids = new PacketIds(MAXIMUM_PACKET_ID - 1)

    expect([ids.allocate(NONE), ids.allocate(NONE)]).toEqual([MAXIMUM_PACKET_ID, 1])
  })

  it('leaves out what either owner has open', () => {
    const ids = new PacketIds()

    expect(ids.allocate(new Set([1, 3]), new Set([2, 4]))).toBe(5)
  })

  it('finds the only id that is free, wherever it is', () => {
    expect(new PacketIds(40_000).allocate(allBut(7))).toBe(7)
  })

  it('gives 0 when all are open, and stays where it was', () => {
    const ids = new PacketIds(5)

    expect(ids.allocate(allBut())).toBe(0)
    expect(ids.last).toBe(5)
  })

  it('counts both owners when it looks for room', () => {
    const some = new Set([1, 2])
    const others = allBut(1, 2)

    expect(new PacketIds().allocate(others, some)).toBe(0)
  })
})
