const SHORT_COPY_BYTES = 48

/**
 * Hot: copies `source` from `start` to `end`. Crossing into native code costs more than a short loop.
 * @param target has room for it from `offset` on
 * @returns the offset behind the copy
 */
export function copyBytes(source: Buffer, start: number, end: number, target: Buffer, offset: number): number {
  if (end - start > SHORT_COPY_BYTES) return offset + source.copy(target, offset, start, end)
  let at = offset
  for (let i = start; i < end; i++) target[at++] = source[i]!
  return at
}
