import { flag, one } from './option-row.ts'
import { text } from './values.ts'

/** For commands that are clients: options that were written down, and where each value comes from. */
export const profileOptions = {
  profile: one(text('PROFILE'), {
    group: 'Connection',
    help: 'options from this profile of the configuration file',
    more:
      'The file is $XDG_CONFIG_HOME/mqtt-kit/config.toml, or ~/.config/mqtt-kit/config.toml without that variable. A table ' +
      '[profile.NAME] has long options as keys, as in qos = 1 or ca = "ca.crt"; a switch is true or false, and what is repeatable is an ' +
      'array. All clients may share a profile: each takes what is an option of it. Names of files are relative to the file. What ' +
      'stands on the command line, in a URL or in the environment is stronger, and a URL there takes the place of the whole url of a ' +
      'profile.',
  }),
  showConfig: flag({
    group: 'General',
    environment: false,
    help: 'print each value and where it comes from, and end',
    more: 'Nothing is connected. Passwords and keys are not shown.',
  }),
} as const
