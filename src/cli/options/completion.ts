import type { CommandSpec } from './command-spec.ts'
import { generalOptions } from './general.ts'

/** The shells that are known. */
export const shells = ['bash', 'zsh', 'fish'] as const

/** All options of `completion`. */
export const completionRows = { ...generalOptions } as const

/** Everything about `completion` but what it does. */
export const completionSpec: CommandSpec<typeof completionRows> = {
  name: 'completion',
  summary: 'completion of commands and options for your shell',
  synopsis: 'bash|zsh|fish | profiles',
  description: [
    'Prints a script with which the shell completes commands, options, their values and files. Put it where the shell looks for such ' +
      'scripts, or let the shell read it at its start: eval "$(mqtt-kit completion bash)" in ~/.bashrc; for zsh the same behind ' +
      'compinit. completion profiles prints the names of the profiles of --profile, one per line.',
    'Everything in it comes from the options of this version: make it anew after an update.',
  ],
  rows: completionRows,
  operands: [{ words: [...shells, 'profiles'] }, {}],
  examples: [
    {
      text: 'For bash, where it finds scripts of all programs:',
      line: 'mqtt-kit completion bash > /etc/bash_completion.d/mqtt-kit',
    },
    { text: 'For zsh, in a folder of $fpath:', line: 'mqtt-kit completion zsh > ~/.zfunc/_mqtt-kit' },
    { text: 'For fish:', line: 'mqtt-kit completion fish > ~/.config/fish/completions/mqtt-kit.fish' },
  ],
}
