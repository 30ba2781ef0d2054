/**
 * Scripts for shells: offers.ts says what there is to offer, from the rows of the options, and a file for each shell writes it
 * down in its language. Nothing of mqtt-kit runs while a shell completes.
 */
import type { CommandSpec } from '../options/command-spec.ts'
import type { shells } from '../options/completion.ts'
import { bashScript } from './bash.ts'
import { fishScript } from './fish.ts'
import { offersOf } from './offers.ts'
import { zshScript } from './zsh.ts'

const writers = { bash: bashScript, zsh: zshScript, fish: fishScript }

/** The script that makes the shell complete these commands. */
export function completionScript(shell: (typeof shells)[number], specs: readonly CommandSpec[]): string {
  return writers[shell](offersOf(specs))
}
