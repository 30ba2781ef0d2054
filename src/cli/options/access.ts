import { flag, many, one, ValueError, type ValueKind } from './option-row.ts'
import { text } from './values.ts'

/** A user of the broker. */
export interface User {
  readonly name: string
  readonly password: string
}

const userAndPassword: ValueKind<User> = {
  name: 'NAME:PASSWORD',
  read: (typed) => {
    const colon = typed.indexOf(':')
    if (colon < 1) throw new ValueError('NAME:PASSWORD')
    return { name: typed.slice(0, colon), password: typed.slice(colon + 1) }
  },
}

/** Who may connect to the broker, and what for. */
export const accessOptions = {
  user: many(userAndPassword, {
    group: 'Access',
    environment: false,
    secret: true,
    help: 'a user that may connect, repeatable',
    more:
      'Such users may prove their password by SCRAM-SHA-256, too. With any user, password file, token key or service given, ' +
      'clients without user name are refused unless there is --allow-anonymous.',
  }),
  passwordFile: one(text('FILE'), {
    group: 'Access',
    // the clients' variable of that name holds something else
    environment: false,
    help: 'users and hashed passwords, as mosquitto writes them',
    more: 'A line is NAME:HASH with a hash of kind $7$ or $6$; mqtt-kit passwd makes such files.',
  }),
  acl: one(text('FILE'), {
    group: 'Access',
    help: 'who may use which topics, as in mosquitto',
    more:
      'Lines are user NAME, topic [read|write|readwrite|deny] FILTER and pattern ..., where %u and %c stand for user name and ' +
      'client identifier. What no line mentions is denied. A subscription to a filter of which only a part may be read is ' +
      'granted and brings that part. mqtt-kit acl check tells what a file says.',
  }),
  allowAnonymous: flag({ group: 'Access', help: 'clients without user name may connect' }),
  noSessionOwners: flag({
    group: 'Access',
    help: 'any user may resume the session of another',
    more: 'Without it a session belongs to the user that made it; another one is refused with 0x87.',
  }),
} as const
