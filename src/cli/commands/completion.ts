import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { UsageError } from '../failure.ts'
import { type completionRows, shells } from '../options/completion.ts'
import type { Parsed } from '../options/parse.ts'

/** `mqtt-kit completion`: prints the script for a shell. */
export async function run({ operands }: Parsed<typeof completionRows>, context: Context): Promise<ExitCode> {
  const [word, ...more] = operands
  if (word === 'profiles' && more.length === 0) {
    const { profileNames } = await import('../configuration/profile.ts')
    context.stdout.write((await profileNames(context.environment)).map((name) => `${name}\n`).join(''))
    return ExitCode.DONE
  }
  const shell = shells.find((name) => name === word)
  if (shell === undefined || more.length > 0) {
    const typed =
      operands.length === 0 ? 'for which shell?' : `${JSON.stringify(operands.join(' '))}: expected a shell:`
    throw new UsageError(`${typed} ${shells.join(', ')}`)
  }
  const { completionScript } = await import('../completion/script.ts')
  context.stdout.write(completionScript(shell, await context.specs()))
  return ExitCode.DONE
}
