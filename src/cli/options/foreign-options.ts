/**
 * Options of other MQTT tools with two or more letters behind a single dash. To us they would be a letter with a value or
 * a row of letters, which is never what was meant; so each gets an error that names ours.
 */
export const foreignOptions: ReadonlyMap<string, string> = new Map([
  ['-pw', '-P, --password'],
  ['-pw:env', '--password-env'],
  ['-pw:file', '--password-file'],
  ['-se', '-x, --session-expiry'],
  ['-Wt', '--will-topic'],
  ['-Wm', '--will-payload'],
  ['-Wq', '--will-qos'],
  ['-Wr', '--will-retain'],
  ['-Wd', '--prop will.will-delay-interval=SECONDS'],
  ['-We', '--prop will.message-expiry-interval=SECONDS'],
  ['-Wpf', '--prop will.payload-format-indicator=0|1'],
  ['-Wct', '--prop will.content-type=TYPE'],
  ['-Wrt', '--prop will.response-topic=TOPIC'],
  ['-Wcd', '--prop will.correlation-data=DATA'],
  ['-Wup', '--prop will.user-property=NAME=VALUE'],
  ['-Cup', '--prop connect.user-property=NAME=VALUE'],
  ['-up', '--prop user-property=NAME=VALUE'],
  ['-ct', '--prop content-type=TYPE'],
  ['-rt', '--prop response-topic=TOPIC'],
  ['-cd', '--prop correlation-data=DATA'],
  ['-pf', '--prop payload-format-indicator=0|1'],
  ['-si', '--prop subscription-identifier=NUMBER'],
  ['-nl', '--no-local'],
  ['-rap', '--retain-as-published'],
  ['-rh', '--retain-handling'],
  ['-rp', '--max-reconnect'],
])

/** Switches of other tools that ask for what is always so: accepted, and nothing more. */
export const needlessOptions: ReadonlySet<string> = new Set([
  // no small packet is held back
  '--nodelay',
])
