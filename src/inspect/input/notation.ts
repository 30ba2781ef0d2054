/** Notations of bytes as text, as people name them. */
export const notationNames = ['text', 'hex', 'decimal', 'base64', 'dump', 'string', 'erlang', 'node', 'follow'] as const
export type NotationName = (typeof notationNames)[number]

/** Bytes that stand together in a text. */
export interface TextPart {
  readonly bytes: Buffer
  /** which of two parties, where the notation tells; null where it does not */
  readonly party: 0 | 1 | null
}

/** What a text says. */
export interface Notation {
  /** for people: `hex`, `C array`, `hexdump` */
  readonly name: string
  readonly parts: readonly TextPart[]
  /** the text itself says that bytes are missing */
  readonly isShortened?: boolean
}
