import { describe, expect, it } from 'vitest'
import type { Transport } from '../../src/transport/transport.ts'
import { RecordingHandler } from './recording-handler.ts'

/** Two ends of one open connection, not started. */
export interface TransportPair {
  client: Transport
  server: Transport
  /** what the client receives is good during the call only */
  sharesInput?: boolean
  /** Closes what the ends leave open, listeners above all. */
  close(): Promise<void>
}

interface StartedPair extends TransportPair {
  atClient: RecordingHandler
  atServer: RecordingHandler
}

/** Bytes whose value tells their position. */
export function numberedBytes(length: number, firstPosition = 0): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let i = 0; i < length; i++) bytes[i] = (firstPosition + i) % 251
  return bytes
}

/** What carries the bytes adds to a write, at most. */
const MAXIMUM_FRAMING_BYTES = 14

/**
 * What every Transport must do; `open` makes a fresh pair.
 * @param halfCloses false for a WebSocket: its close handshake ends both sides
 */
export function transportSuite(name: string, open: () => Promise<TransportPair>, halfCloses = true): void {
  const withPair = async (run: (pair: StartedPair) => Promise<void>): Promise<void> => {
    const pair = await open()
    const started = { ...pair, atClient: new RecordingHandler(pair.sharesInput), atServer: new RecordingHandler() }
    pair.client.start(started.atClient)
    pair.server.start(started.atServer)
    try {
      await run(started)
    } finally {
      pair.client.destroy()
      pair.server.destroy()
      await Promise.all([started.atClient, started.atServer].map((handler) => handler.until((one) => one.isClosed)))
      await pair.close()
    }
  }

  /** Writes until the peer, which must not be reading, has stopped the kernel from taking more. Returns all written so far. */
  const writeUntilBehind = (transport: Transport, alreadyWrittenBytes = 0): number => {
    let writtenBytes = alreadyWrittenBytes
    while (transport.bufferedBytes === 0) {
      transport.write(numberedBytes(100_000, writtenBytes))
      writtenBytes += 100_000
    }
    return writtenBytes
  }

  describe(name, () => {
    it('carries bytes in order, both ways', () =>
      withPair(async ({ client, server, atClient, atServer }) => {
        for (let i = 0; i < 500; i++) {
          client.write(numberedBytes(i, 1000 * i))
          server.write(numberedBytes(i, 2000 * i))
        }
        const expected = (step: number) =>
          Buffer.concat(Array.from({ length: 500 }, (_, i) => numberedBytes(i, step * i)))
        const totalBytes = (499 * 500) / 2
        await atServer.until((handler) => handler.receivedBytes === totalBytes)
        await atClient.until((handler) => handler.receivedBytes === totalBytes)

        expect(atServer.received.equals(expected(1000))).toBe(true)
        expect(atClient.received.equals(expected(2000))).toBe(true)
      }))

    it('hands out bytes that stay as they are', () =>
      withPair(async ({ client, atServer }) => {
        const copies: Buffer[] = []
        atServer.onData = () => copies.push(Buffer.from(atServer.chunks.at(-1)!))
        for (let i = 0; i < 50; i++) {
          client.write(numberedBytes(1000, i * 1000))
          await atServer.until((handler) => handler.receivedBytes === (i + 1) * 1000)
        }

        expect(atServer.received.equals(Buffer.concat(copies))).toBe(true)
      }))

    it('has taken the bytes when nothing is buffered after a write, so that the memory may be used again', () =>
      withPair(async ({ client, atServer }) => {
        const total = 3_000_000
        let block = Buffer.alloc(65_536)
        let reuseCount = 0
        for (let sent = 0; sent < total; ) {
          const length = Math.min(1 + ((sent * 7919) % 65_536), total - sent)
          block.set(numberedBytes(length, sent))
          client.write(block.subarray(0, length))
          sent += length
          if (client.bufferedBytes === 0) {
            block.fill(0xff)
            reuseCount++
          } else {
            block = Buffer.alloc(65_536)
          }
        }
        await atServer.until((handler) => handler.receivedBytes === total)

        expect(reuseCount).toBeGreaterThan(0)
        expect(atServer.received.equals(numberedBytes(total))).toBe(true)
      }))

    it('buffers what a peer that does not read leaves, and tells once when the kernel has taken all of it', () =>
      withPair(async ({ client, server, atClient, atServer }) => {
        server.pause()
        const writtenBytes = writeUntilBehind(client)
        client.write(numberedBytes(5_000_000, writtenBytes))
        const total = writtenBytes + 5_000_000

        expect(client.bufferedBytes).toBeGreaterThanOrEqual(5_000_000)
        expect(atClient.calls).toEqual([])

        server.resume()
        await atClient.until((handler) => handler.drainedCount > 0)
        expect(client.bufferedBytes).toBe(0)

        await atServer.until((handler) => handler.receivedBytes === total)
        expect(atServer.received.equals(numberedBytes(total))).toBe(true)
        expect(atClient.calls).toEqual(['drained'])
        expect(atClient.drainedCount).toBe(1)
      }))

    it('tells drained even when only a few bytes were left behind', () =>
      withPair(async ({ client, server, atClient, atServer }) => {
        server.pause()
        let writtenBytes = 0
        while (client.bufferedBytes === 0) {
          client.write(numberedBytes(1000, writtenBytes))
          writtenBytes += 1000
        }
        expect(client.bufferedBytes).toBeLessThanOrEqual(1000 + MAXIMUM_FRAMING_BYTES)

        server.resume()
        await atClient.until((handler) => handler.drainedCount > 0)
        await atServer.until((handler) => handler.receivedBytes === writtenBytes)
        expect(atClient.drainedCount).toBe(1)
      }))

    it('does not tell drained when the kernel took everything at once', () =>
      withPair(async ({ client, atClient, atServer }) => {
        client.write(numberedBytes(1000))
        expect(client.bufferedBytes).toBe(0)
        await atServer.until((handler) => handler.receivedBytes === 1000)

        expect(atClient.calls).toEqual([])
      }))

    if (halfCloses) {
      it('sends what is pending before its end, and still receives after it', () =>
        withPair(async ({ client, server, atClient, atServer }) => {
          server.pause()
          const writtenBytes = writeUntilBehind(client)
          client.end()
          server.resume()
          await atServer.until((handler) => handler.isEnded)

          expect(atServer.received.equals(numberedBytes(writtenBytes))).toBe(true)
          expect(atServer.calls).toEqual(['data', 'ended'])

          server.write(Buffer.from('answer to the end'))
          await atClient.until((handler) => handler.receivedBytes > 0)
          expect(atClient.received.toString()).toBe('answer to the end')
          expect(atClient.isClosed).toBe(false)
        }))

      it('closes without error, once, when both sides have ended', () =>
        withPair(async ({ client, server, atClient, atServer }) => {
          client.end()
          await atServer.until((handler) => handler.isEnded)
          server.end()
          await atClient.until((handler) => handler.isClosed)
          await atServer.until((handler) => handler.isClosed)

          expect(atClient.calls).toEqual(['ended', 'closed'])
          expect(atServer.calls).toEqual(['ended', 'closed'])
          expect([atClient.error, atServer.error]).toEqual([null, null])
          client.destroy()
          server.destroy()
          expect([atClient.closedCount, atServer.closedCount]).toEqual([1, 1])
        }))

      it('ignores what is written after end()', () =>
        withPair(async ({ client, server, atServer, atClient }) => {
          client.write(Buffer.from('before'))
          client.end()
          client.end()
          client.write(Buffer.from('after'))
          await atServer.until((handler) => handler.isEnded)
          server.end()
          await atClient.until((handler) => handler.isClosed)

          expect(atServer.received.toString()).toBe('before')
          expect(atClient.error).toBe(null)
        }))
    }

    it('closes without error on destroy(), which may be called again', () =>
      withPair(async ({ client, atClient, atServer }) => {
        client.destroy()
        client.destroy()
        expect(atClient.calls).toEqual([])
        await atClient.until((handler) => handler.isClosed)
        client.destroy()
        client.write(Buffer.from('nobody reads this'))
        client.end()
        await atServer.until((handler) => handler.isEnded || handler.isClosed)

        expect(atClient.calls).toEqual(['closed'])
        expect(atClient.error).toBe(null)
        expect(client.bufferedBytes).toBe(0)
      }))

    it('closes both sides on breakOff(), without error for its owner', () =>
      withPair(async ({ client, atClient, atServer }) => {
        client.breakOff()
        await atClient.until((handler) => handler.isClosed)
        await atServer.until((handler) => handler.isClosed || handler.isEnded)

        expect(atClient.error).toBeNull()
      }))

    it('buffers nothing any more after destroy()', () =>
      withPair(async ({ client, server, atClient }) => {
        server.pause()
        writeUntilBehind(client)
        client.destroy()
        expect(client.bufferedBytes).toBe(0)
        await atClient.until((handler) => handler.isClosed)

        expect(atClient.calls).toEqual(['closed'])
      }))

    it('tells nothing between destroy() and closed(), not even bytes that were read before', () =>
      withPair(async ({ client, server, atServer }) => {
        server.pause()
        writeUntilBehind(client)
        atServer.onData = () => server.destroy()
        server.resume()
        await atServer.until((handler) => handler.isClosed)

        expect(atServer.chunks).toHaveLength(1)
        expect(atServer.calls).toEqual(['data', 'closed'])
      }))

    it('reads nothing while paused, and goes on where it stopped', () =>
      withPair(async ({ client, server, atServer }) => {
        atServer.onData = () => server.pause()
        client.write(numberedBytes(200_000))
        await atServer.until((handler) => handler.chunks.length === 1)
        const seenBytes = atServer.receivedBytes
        const writtenBytes = writeUntilBehind(client, 200_000)
        expect(atServer.receivedBytes).toBe(seenBytes)

        atServer.onData = null
        server.resume()
        await atServer.until((handler) => handler.receivedBytes === writtenBytes)
        expect(atServer.received.equals(numberedBytes(writtenBytes))).toBe(true)
      }))

    it('survives a peer that vanishes while much is being written to it', () =>
      withPair(async ({ client, server, atClient }) => {
        server.pause()
        writeUntilBehind(client)
        server.destroy()
        await atClient.until((handler) => handler.isEnded || handler.isClosed)
        while (!atClient.isClosed) {
          client.write(numberedBytes(1000))
          await new Promise((resolve) => setImmediate(resolve))
        }

        expect(atClient.closedCount).toBe(1)
        expect(atClient.error?.kind).toBe('connection')
        expect(['ECONNRESET', 'EPIPE']).toContain(atClient.error?.code)
        expect(atClient.error?.address).toBe(client.remoteAddress)
      }))
  })
}
