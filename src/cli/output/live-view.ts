import type { Publish } from '../../codec/packets/publish.ts'

/** Counts messages, and shows what it has counted. */
export interface LiveView {
  add(publish: Publish): void
  /** For a terminal. @param seconds since the last time */
  lines(seconds: number, columns: number, rows: number): string[]
  /** For a pipe: JSON of what is new, null when that is nothing. @param seconds since the last time */
  json(seconds: number, now: Date): string | null
}
