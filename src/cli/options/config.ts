import { flag, one } from './option-row.ts'
import { text } from './values.ts'

/** Where the broker's options may stand beside the command line. */
export const configOptions = {
  config: one(text('FILE'), {
    group: 'General',
    help: 'read options from this file',
    more:
      'The file is TOML: each long option is a key, as in max-queued = 1000, a switch is true or false, and what is ' +
      'repeatable is an array. Keys may stand under the name of their group, as in [limits]. The command line and the ' +
      'environment are stronger than the file. A table [[listener]] is one more listener: url, and tls-cert, tls-key, tls-ca, ' +
      'require-client-cert, cert-user, tls-min-version, tls-ciphers, psk-file, proxy-protocol and ws-origin where it differs from the ' +
      'others; its own certificate is read at the start only. Names of files are relative to it. A file whose name ends in .conf is read ' +
      'as one of mosquitto: what it says is done as far as there is an option for it, and the rest is named in warnings. ' +
      'SIGHUP reads all anew: users, rules and limits change without anybody being dropped; when there is a mistake all ' +
      'stays as it was.',
  }),
  checkConfig: flag({
    group: 'General',
    environment: false,
    help: 'check the configuration and all its files, and end',
  }),
  showConfig: flag({
    group: 'General',
    environment: false,
    help: 'check it, print each value and where it comes from, and end',
    more: 'Passwords and keys are not shown.',
  }),
} as const
