import { UsageError } from '../failure.ts'
import { ValueError, type ValueKind } from './option-row.ts'

/**
 * Reads an argument that is no option as a value of its kind.
 * @throws UsageError that repeats what was typed
 */
export function readOperand<T>(kind: ValueKind<T>, typed: string): T {
  try {
    return kind.read(typed)
  } catch (error) {
    if (error instanceof ValueError) throw new UsageError(`${JSON.stringify(typed)}: expected ${error.message}`)
    throw error
  }
}
