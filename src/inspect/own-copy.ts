/**
 * A copy that keeps nothing alive but itself: a view would keep its chunk of the capture, and a copy out of the pool 8 KiB of
 * that.
 */
export function ownCopy(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy
}
