import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { LARGE_BLOCK_BYTES, SMALL_BLOCK_BYTES } from '../../src/transport/block-pool.ts'
import { dial } from '../../src/transport/dial.ts'
import { listen } from '../../src/transport/listen.ts'
import { GATHER_BYTES, OutputBuffer, PASS_ON_BYTES, Turn } from '../../src/transport/output-buffer.ts'
import type { Transport } from '../../src/transport/transport.ts'
import { FakeTransport } from '../support/fake-transport.ts'
import { RecordingHandler } from '../support/recording-handler.ts'
import { numberedBytes } from '../support/transport-suite.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

interface Output {
  transport: FakeTransport
  output: OutputBuffer
}

function connection(turn: Turn, roomBytes = Number.POSITIVE_INFINITY): Output {
  const transport = new FakeTransport()
  transport.roomBytes = roomBytes
  const output = new OutputBuffer(transport, turn)
  transport.onDrained = () => output.drained()
  return { transport, output }
}

/** Writes through reserve(), as packets are encoded. */
function put(output: OutputBuffer, bytes: Buffer): void {
  const offset = output.reserve(bytes.length)
  bytes.copy(output.bytes, offset)
}

/** The end of this turn, flush included. */
const turnEnd = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('the output of one turn', () => {
  it('leaves in one write when the turn ends', async () => {
    const { transport, output } = connection(new Turn())
    for (let i = 0; i < 100; i++) put(output, numberedBytes(10, 10 * i))
    expect(transport.writes).toHaveLength(0)
    await turnEnd()

    expect(transport.writes).toHaveLength(1)
    expect(transport.taken.equals(numberedBytes(1000))).toBe(true)
  })

  it('leaves in one write per connection, on one immediate for all of them', async () => {
    const immediate = vi.spyOn(globalThis, 'setImmediate')
    const turn = new Turn()
    const connections = Array.from({ length: 20 }, () => connection(turn))
    for (let i = 0; i < 3; i++) for (const { output } of connections) put(output, Buffer.from(`message ${i};`))
    expect(immediate).toHaveBeenCalledTimes(1)
    await turnEnd()

    for (const { transport } of connections) {
      expect(transport.writes).toHaveLength(1)
      expect(transport.taken.toString()).toBe('message 0;message 1;message 2;')
    }
  })

  it('is written turn by turn, in the same memory again', async () => {
    const { transport, output } = connection(new Turn())
    put(output, Buffer.from('one'))
    const memory = output.bytes
    await turnEnd()
    expect(output.bytes).toHaveLength(0)
    put(output, Buffer.from('two'))
    expect(output.bytes).toBe(memory)
    await turnEnd()

    expect(transport.writes).toHaveLength(2)
    expect(transport.taken.toString()).toBe('onetwo')
  })

  it('sets no immediate while there is nothing to write', async () => {
    const { output } = connection(new Turn())
    put(output, Buffer.from('one'))
    await turnEnd()
    const immediate = vi.spyOn(globalThis, 'setImmediate')
    output.flush()
    output.drained()
    output.reserve(0)
    output.append(Buffer.alloc(0))

    expect(immediate).not.toHaveBeenCalled()
  })

  it('may grow out of a small block into a large one without being written early', async () => {
    const { transport, output } = connection(new Turn())
    put(output, numberedBytes(4000))
    expect(output.bytes).toHaveLength(SMALL_BLOCK_BYTES)
    put(output, numberedBytes(4000, 4000))
    expect(output.bytes).toHaveLength(LARGE_BLOCK_BYTES)
    expect(transport.writes).toHaveLength(0)
    await turnEnd()

    expect(transport.writes).toHaveLength(1)
    expect(transport.taken.equals(numberedBytes(8000))).toBe(true)
  })

  it('begins with a large block when the last turn needed one, and with a small one when it did not', async () => {
    const { output } = connection(new Turn())
    const sizes: number[] = []
    for (const byteCount of [5000, 10, 10, 5000, 5000]) {
      put(output, numberedBytes(1))
      sizes.push(output.bytes.length)
      put(output, numberedBytes(byteCount))
      await turnEnd()
    }

    expect(sizes).toEqual([
      SMALL_BLOCK_BYTES,
      LARGE_BLOCK_BYTES,
      SMALL_BLOCK_BYTES,
      SMALL_BLOCK_BYTES,
      LARGE_BLOCK_BYTES,
    ])
  })

  it('is written block by block when it is more than a block', async () => {
    const { transport, output } = connection(new Turn())
    for (let i = 0; i < 300; i++) put(output, numberedBytes(1000, 1000 * i))
    expect(transport.writes).toHaveLength(4)
    expect(output.pendingBytes).toBe(300_000 - 4 * 65_000)
    await turnEnd()

    expect(transport.writes).toHaveLength(5)
    expect(transport.taken.equals(numberedBytes(300_000))).toBe(true)
    expect(output.pendingBytes).toBe(0)
  })

  it('may hold a packet that is larger than any block', async () => {
    const { transport, output } = connection(new Turn())
    put(output, numberedBytes(10))
    put(output, numberedBytes(1_000_000, 10))
    put(output, numberedBytes(10, 1_000_010))
    await turnEnd()

    expect(transport.taken.equals(numberedBytes(1_000_020))).toBe(true)
  })

  it('leaves earlier with flush()', async () => {
    const { transport, output } = connection(new Turn())
    put(output, Buffer.from('one'))
    output.flush()
    expect(transport.taken.toString()).toBe('one')
    put(output, Buffer.from('two'))
    await turnEnd()

    expect(transport.writes).toHaveLength(2)
    expect(transport.taken.toString()).toBe('onetwo')
  })
})

describe('bytes that exist already', () => {
  it('are copied when short, so that their memory may be used again', async () => {
    const { transport, output } = connection(new Turn())
    const bytes = numberedBytes(PASS_ON_BYTES - 1)
    output.append(bytes)
    bytes.fill(0xff)
    await turnEnd()

    expect(transport.taken.equals(numberedBytes(PASS_ON_BYTES - 1))).toBe(true)
  })

  it('are passed on when long, in their place between the others', async () => {
    const { transport, output } = connection(new Turn())
    const bytes = numberedBytes(PASS_ON_BYTES, 100)
    put(output, numberedBytes(100))
    output.append(bytes)
    put(output, numberedBytes(100, 100 + PASS_ON_BYTES))
    await turnEnd()

    expect(transport.writes).toHaveLength(3)
    expect(transport.writes[1]!.buffer).toBe(bytes.buffer)
    expect(transport.taken.equals(numberedBytes(200 + PASS_ON_BYTES))).toBe(true)
  })

  it('are not written into later, whatever their size', async () => {
    const turn = new Turn()
    const { output } = connection(turn)
    const bytes = Buffer.alloc(LARGE_BLOCK_BYTES, 1)
    output.append(bytes)
    await turnEnd()
    for (let i = 0; i < 100; i++) {
      put(output, Buffer.alloc(50_000, 2))
      expect(output.bytes.buffer).not.toBe(bytes.buffer)
      await turnEnd()
    }

    expect(bytes.equals(Buffer.alloc(LARGE_BLOCK_BYTES, 1))).toBe(true)
  })
})

describe('a transport that is behind', () => {
  it('gets nothing more until it is drained, then all that waited', async () => {
    const { transport, output } = connection(new Turn(), 50)
    put(output, numberedBytes(100))
    await turnEnd()
    expect(output.pendingBytes).toBe(50)
    for (let i = 0; i < 30; i++) {
      put(output, numberedBytes(10, 100 + 10 * i))
      await turnEnd()
    }
    expect(transport.writes).toHaveLength(1)
    expect(output.pendingBytes).toBe(50 + 300)

    transport.makeRoom(49)
    expect(transport.writes).toHaveLength(1)
    transport.makeRoom(1000)
    expect(transport.writes).toHaveLength(2)
    expect(output.pendingBytes).toBe(0)
    expect(transport.taken.equals(numberedBytes(400))).toBe(true)
  })

  it('gets a bounded piece at a time, however much waits', async () => {
    const { transport, output } = connection(new Turn(), 0)
    for (let i = 0; i < 50; i++) {
      put(output, numberedBytes(10_000, 10_000 * i))
      await turnEnd()
    }
    expect(output.pendingBytes).toBe(500_000)
    while (output.pendingBytes > 0) {
      expect(transport.bufferedBytes).toBeLessThan(GATHER_BYTES + LARGE_BLOCK_BYTES)
      transport.makeRoom(7000)
    }

    expect(transport.taken.equals(numberedBytes(500_000))).toBe(true)
  })

  it('keeps its block to itself until it has taken it', async () => {
    const turn = new Turn()
    const slow = connection(turn, 0)
    const other = connection(turn)
    put(slow.output, Buffer.from('slow'))
    const memory = slow.output.bytes
    await turnEnd()
    put(other.output, Buffer.from('other'))
    expect(other.output.bytes).not.toBe(memory)
    await turnEnd()
    slow.transport.makeRoom(4)
    put(other.output, Buffer.from('other'))
    expect(other.output.bytes).toBe(memory)

    expect(slow.transport.taken.toString()).toBe('slow')
  })

  it('gets its block taken back also when it writes again before it is told of drained', async () => {
    const turn = new Turn()
    const { transport, output } = connection(turn, 0)
    transport.onDrained = null
    put(output, Buffer.from('one'))
    await turnEnd()
    transport.makeRoom(3)
    put(output, Buffer.from('two'))
    await turnEnd()
    expect(transport.bufferedBytes).toBe(3)
    expect(turn.freeBytes).toBe(SMALL_BLOCK_BYTES)
    transport.makeRoom(3)
    output.drained()

    expect(turn.freeBytes).toBe(2 * SMALL_BLOCK_BYTES)
    expect(transport.taken.toString()).toBe('onetwo')
  })

  it('gets everything with flush()', async () => {
    const { transport, output } = connection(new Turn(), 0)
    put(output, Buffer.from('one'))
    await turnEnd()
    put(output, Buffer.from('two'))
    output.flush()

    expect(transport.writes.map(String)).toEqual(['one', 'two'])
    transport.makeRoom(10)
    expect(transport.taken.toString()).toBe('onetwo')
  })
})

describe('end()', () => {
  it('half-closes after the output, also when the transport is behind', async () => {
    const { transport, output } = connection(new Turn(), 0)
    put(output, Buffer.from('one'))
    await turnEnd()
    put(output, Buffer.from('two'))
    output.end()

    expect(transport.isEnded).toBe(true)
    expect(transport.writes.map(String)).toEqual(['one', 'two'])
  })

  it('half-closes at once without output', () => {
    const { transport, output } = connection(new Turn())
    output.end()

    expect(transport.isEnded).toBe(true)
  })

  it('waits for output that is held', async () => {
    const { transport, output } = connection(new Turn())
    output.heldBy = {}
    put(output, Buffer.from('last words'))
    output.end()
    await turnEnd()
    output.seal()
    expect(transport.isEnded).toBe(false)
    output.heldBy = null
    output.release()

    expect(transport.taken.toString()).toBe('last words')
    expect(transport.isEnded).toBe(true)
  })
})

describe('discard()', () => {
  it('forgets what was not written', async () => {
    const turn = new Turn()
    const { transport, output } = connection(turn, 0)
    put(output, numberedBytes(10))
    await turnEnd()
    for (let i = 0; i < 20; i++) put(output, numberedBytes(10_000))
    transport.destroy()
    output.discard()
    await turnEnd()

    expect(output.pendingBytes).toBe(0)
    expect(output.bytes).toHaveLength(0)
    expect(transport.writes).toHaveLength(1)
  })

  it('gives back blocks that the transport has not seen, and only those', async () => {
    const turn = new Turn()
    const unseen = connection(turn)
    put(unseen.output, numberedBytes(10))
    unseen.output.discard()
    expect(turn.freeBytes).toBe(SMALL_BLOCK_BYTES)
    const seen = connection(turn, 0)
    put(seen.output, numberedBytes(10))
    await turnEnd()
    seen.output.discard()

    expect(turn.freeBytes).toBe(0)
  })

  it('leaves the buffer in working order', async () => {
    const { transport, output } = connection(new Turn())
    put(output, Buffer.from('one'))
    output.discard()
    put(output, Buffer.from('two'))
    await turnEnd()

    expect(transport.writes).toHaveLength(1)
    expect(transport.taken.toString()).toBe('two')
  })
})

describe('memory', () => {
  it('is not held by idle connections, and is bounded after a turn with many', async () => {
    const turn = new Turn()
    const connections = Array.from({ length: 3000 }, () => connection(turn))
    for (const { output } of connections) put(output, numberedBytes(30))
    await turnEnd()
    expect(connections.every(({ output }) => output.bytes.length === 0)).toBe(true)
    expect(turn.freeBytes).toBe(1024 * SMALL_BLOCK_BYTES)

    for (const { output } of connections.slice(0, 200)) put(output, numberedBytes(30_000))
    await turnEnd()
    expect(turn.freeBytes).toBe(1024 * SMALL_BLOCK_BYTES + 64 * LARGE_BLOCK_BYTES)
  })
})

describe('output that is held', () => {
  function letGo(output: OutputBuffer): void {
    output.heldBy = null
    output.release()
  }

  it('leaves when it is released, that of others at the end of the turn', async () => {
    const turn = new Turn()
    const held = connection(turn)
    const free = connection(turn)
    held.output.heldBy = {}
    for (const { output } of [held, free]) put(output, Buffer.from('one'))
    await turnEnd()
    expect(held.transport.writes).toEqual([])
    expect(free.transport.taken.toString()).toBe('one')
    letGo(held.output)

    expect(held.transport.taken.toString()).toBe('one')
  })

  it('holds back full blocks, long bytes and flush() too', async () => {
    const { transport, output } = connection(new Turn())
    output.heldBy = {}
    for (let i = 0; i < 20; i++) put(output, numberedBytes(10_000, 10_000 * i))
    output.append(numberedBytes(100_000, 200_000))
    output.flush()
    output.push()
    await turnEnd()
    output.flush()
    expect(transport.writes).toEqual([])
    letGo(output)

    expect(transport.taken.equals(numberedBytes(300_000))).toBe(true)
  })

  it('lets a block that is written in part alone until the transport has taken that part', async () => {
    for (const leave of ['grow', 'discard']) {
      const turn = new Turn()
      const slow = connection(turn, 0)
      const other = connection(turn)
      slow.output.heldBy = {}
      put(slow.output, Buffer.from('written'))
      slow.output.seal()
      await turnEnd()
      put(slow.output, Buffer.from(', not yet'))
      slow.output.release()
      expect(slow.transport.writes.map(String)).toEqual(['written'])
      if (leave === 'grow') put(slow.output, numberedBytes(5000))
      else slow.output.discard()
      put(other.output, Buffer.from('something else'))
      slow.transport.makeRoom(7)

      expect(slow.transport.taken.toString()).toBe('written')
    }
  })

  it('goes as far as it was sealed while it is held for something later, and all of it when it is not', async () => {
    const { transport, output } = connection(new Turn())
    put(output, Buffer.from('zero'))
    output.heldBy = {}
    put(output, Buffer.from('one'))
    output.seal()
    await turnEnd()
    expect(transport.taken.toString()).toBe('zero')
    put(output, Buffer.from('two'))
    output.release()
    expect(transport.taken.toString()).toBe('zeroone')
    await turnEnd()
    expect(transport.taken.toString()).toBe('zeroone')
    output.seal()
    put(output, Buffer.from('three'))
    letGo(output)

    expect(transport.taken.toString()).toBe('zeroonetwothree')
  })
})

type Step =
  | { do: 'reserve' | 'append' | 'makeRoom'; bytes: number }
  | { do: 'turnEnd' | 'flush' | 'hold' | 'seal' | 'release' | 'drop room' }

describe('any course of events', () => {
  const size = fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 0, max: 200 }) },
    { weight: 3, arbitrary: fc.integer({ min: 0, max: 6000 }) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 140_000 }) },
    fc.constantFrom(SMALL_BLOCK_BYTES, PASS_ON_BYTES, LARGE_BLOCK_BYTES),
  )
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('reserve' as const), bytes: size }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('append' as const), bytes: size }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('makeRoom' as const), bytes: size }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('turnEnd' as const, 'release' as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('hold' as const, 'seal' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('flush' as const, 'drop room' as const) }) },
  )

  it.each([false, true])('delivers every byte in order on two connections (held now and then: %s)', (isHeld) =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.boolean(), step), { maxLength: 60 }), async (steps) => {
        const turn = new Turn()
        // no byte that was put out while held, and not sealed, may have left
        const connections = [0, 1].map(() => ({ ...connection(turn), sentBytes: 0, freeBytes: 0 }))
        for (const [second, one] of steps) {
          const at = connections[second ? 1 : 0]!
          if (one.do === 'reserve') put(at.output, numberedBytes(one.bytes, at.sentBytes))
          if (one.do === 'append') at.output.append(numberedBytes(one.bytes, at.sentBytes))
          if (one.do === 'reserve' || one.do === 'append') at.sentBytes += one.bytes
          if (one.do === 'makeRoom') at.transport.makeRoom(one.bytes)
          if (one.do === 'drop room') at.transport.roomBytes = 0
          if (one.do === 'flush') at.output.flush()
          if (one.do === 'turnEnd') await turnEnd()
          if (one.do === 'hold' && isHeld) at.output.heldBy = {}
          if (one.do === 'seal') {
            at.output.seal()
            at.freeBytes = at.sentBytes
          }
          if (one.do === 'release') {
            if (at.freeBytes === at.sentBytes) at.output.heldBy = null
            at.output.release()
          }
          if (at.output.heldBy === null) at.freeBytes = at.sentBytes
          for (const { output, transport, sentBytes, freeBytes } of connections) {
            expect(output.pendingBytes).toBe(sentBytes - transport.taken.length)
            expect(transport.taken.length).toBeLessThanOrEqual(freeBytes)
          }
        }
        for (const { output } of connections) {
          output.heldBy = null
          output.release()
        }
        for (let i = 0; i < 3; i++) {
          await turnEnd()
          for (const { transport } of connections) transport.makeRoom(Number.POSITIVE_INFINITY)
        }
        for (const { output, transport, sentBytes } of connections) {
          expect(output.pendingBytes).toBe(0)
          expect(transport.taken.equals(numberedBytes(sentBytes))).toBe(true)
        }
      }),
    ),
  )
})

describe('output over a real connection', () => {
  it('arrives whole at a peer that reads slowly, while the memory is used over and over', async () => {
    const accepted: Transport[] = []
    const listener = await listen(
      { scheme: 'mqtt', host: '127.0.0.1', port: 0, path: '' },
      { accept: (transport) => accepted.push(transport), error: () => {} },
    )
    const client = await dial(listener.address, { timeoutMs: 10_000 })
    const turn = new Turn()
    const output = new OutputBuffer(client, turn)
    const atClient = new RecordingHandler()
    client.start({
      data: (bytes) => atClient.data(bytes),
      drained: () => {
        output.drained()
        atClient.drained()
      },
      ended: () => atClient.ended(),
      closed: (error) => {
        output.discard()
        atClient.closed(error)
      },
    })
    while (accepted.length === 0) await turnEnd()
    const server = accepted[0]!
    const atServer = new RecordingHandler()
    // reads nothing at first, then every other turn
    server.pause()
    server.start(atServer)
    atServer.onData = () => {
      server.pause()
      setImmediate(() => server.resume())
    }

    const total = 20_000_000
    let sentBytes = 0
    while (sentBytes < total) {
      for (let i = 0; i < 40 && sentBytes < total; i++) {
        const length = Math.min(1 + ((sentBytes * 31) % 3000), total - sentBytes)
        put(output, numberedBytes(length, sentBytes))
        sentBytes += length
      }
      await turnEnd()
      if (output.pendingBytes < 1_000_000) continue
      server.resume()
      await atClient.until(() => output.pendingBytes < 500_000)
    }
    output.end()
    await atServer.until((handler) => handler.isEnded)

    expect(atClient.drainedCount).toBeGreaterThan(0)
    expect(atServer.received.equals(numberedBytes(total))).toBe(true)
    server.end()
    await atClient.until((handler) => handler.isClosed)
    await listener.close()
  })
})
