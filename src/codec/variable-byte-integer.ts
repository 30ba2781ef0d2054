/** The largest value of a Variable Byte Integer (5.0 section 1.5.5), and so of Remaining Length. */
export const MAXIMUM_VARIABLE_BYTE_INTEGER = 268_435_455

/** Bytes that the shortest form takes, 1 to 4 [MQTT-1.5.5-1]. */
export function variableByteIntegerBytes(value: number): number {
  return value < 128 ? 1 : value < 16_384 ? 2 : value < 2_097_152 ? 3 : 4
}

/**
 * Writes the shortest form.
 * @param value 0 to 268,435,455
 * @returns the offset behind the last byte written
 */
export function writeVariableByteInteger(target: Uint8Array, offset: number, value: number): number {
  let rest = value
  let position = offset
  while (rest > 127) {
    target[position++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  target[position++] = rest
  return position
}
