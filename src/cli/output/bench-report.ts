import type { LoadResult } from '../../load/result.ts'

/** A result with what was asked for, as it is printed and saved. */
export interface BenchReport extends LoadResult {
  readonly config: Readonly<Record<string, unknown>>
  readonly environment: Readonly<Record<string, unknown>>
}
