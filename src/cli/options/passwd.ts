import { DEFAULT_ITERATIONS } from '../../access/password-hash.ts'
import type { CommandSpec } from './command-spec.ts'
import { generalOptions } from './general.ts'
import { flag, one } from './option-row.ts'
import { choice, integer, text } from './values.ts'

/** All options of `passwd`; the letters are those of mosquitto_passwd. */
export const passwdRows = {
  create: flag({
    group: 'Access',
    short: 'c',
    environment: false,
    help: 'begin the file anew: users in it are lost',
  }),
  delete: flag({ group: 'Access', short: 'D', environment: false, help: 'remove the user from the file' }),
  batch: flag({ group: 'Access', short: 'b', environment: false, help: 'the password is the third argument' }),
  upgrade: flag({
    group: 'Access',
    short: 'U',
    environment: false,
    help: 'hash all passwords of a file of NAME:PASSWORD lines',
  }),
  hash: one(choice('KIND', ['sha512-pbkdf2', 'sha512']), {
    group: 'Access',
    short: 'H',
    default: 'sha512-pbkdf2',
    help: 'how to hash: sha512-pbkdf2 ($7$) or sha512 ($6$)',
  }),
  iterations: one(integer('N', 1, 10_000_000), {
    group: 'Access',
    short: 'I',
    default: String(DEFAULT_ITERATIONS),
    help: 'rounds of sha512-pbkdf2; more make guessing harder',
  }),
  passwordEnv: one(text('VARIABLE'), {
    group: 'Access',
    environment: false,
    help: 'read the password from this environment variable',
  }),
  ...generalOptions,
} as const

/** Everything about `passwd` but what it does. */
export const passwdSpec: CommandSpec<typeof passwdRows> = {
  name: 'passwd',
  summary: 'set or remove users of a password file',
  synopsis: '[OPTION...] FILE [USER [PASSWORD]]',
  description: [
    'Sets the password of a user in a file for serve --password-file. mosquitto reads such files too, and its own are read here. ' +
      'The password is asked for on the terminal, or is the first line of standard input.',
    'The file is replaced as a whole when all is well, so a broker never sees half of it; a running one reads it anew on SIGHUP.',
  ],
  rows: passwdRows,
  operands: [{ from: 'files' }, {}],
  examples: [
    { text: 'A new file with one user, whose password is asked for:', line: 'mqtt-kit passwd -c users ann' },
    { text: 'Another user, from a script:', line: 'mqtt-kit passwd --password-env SECRET users bob' },
    { text: 'Remove a user:', line: 'mqtt-kit passwd -D users ann' },
  ],
}
