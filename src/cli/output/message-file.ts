import { createHash } from 'node:crypto'

/** What most file systems take as one name. */
const MAXIMUM_NAME_BYTES = 255
const KEPT_BYTES = 180

/**
 * The folders of a Topic Name, one per level. What no folder can be called is percent-encoded, and so is what would look like
 * {@link messageFileName}; a level that is too long is cut and ends in a digest. No two names share their folders.
 */
export function topicFolders(topicName: string): string[] {
  return topicName.split('/').map(folderName)
}

/** `20261124T193600.123Z-1.bin`. @param count from 1 up, in the order of arrival */
export function messageFileName(now: Date, count: number): string {
  return `${now.toISOString().replaceAll(/[-:]/g, '')}-${count}.bin`
}

function folderName(level: string): string {
  if (level === '') return '%'
  const encoded = level
    .replaceAll(/[%\\:*?"<>|\p{Cc}]/gu, encodeCharacter)
    .replace(/^\.{1,2}$/, (dots) => dots.replaceAll('.', '%2E'))
    .replace(/\.bin$/, '%2Ebin')
  if (Buffer.byteLength(encoded) <= MAXIMUM_NAME_BYTES) return encoded
  const digest = createHash('sha256').update(level).digest('hex')
  const kept = Buffer.from(encoded).subarray(0, KEPT_BYTES).toString().replaceAll('\uFFFD', '')
  return `${kept}%${digest}`
}

function encodeCharacter(character: string): string {
  return [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
}
