import { flag, many, one, ValueError, type ValueKind } from './option-row.ts'
import { integer, text } from './values.ts'

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

const httpUrl: ValueKind<string> = {
  name: 'URL',
  read: (typed) => {
    if (!URL.canParse(typed) || !['http:', 'https:'].includes(new URL(typed).protocol)) {
      throw new ValueError('a URL like http://127.0.0.1:8080/mqtt/auth')
    }
    return typed
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
  jwtKeys: one(text('FILE'), {
    group: 'Access',
    help: 'take JSON Web Tokens as passwords, signed by one of these keys (JWKS)',
    more:
      'The user is the claim sub, and the user name of CONNECT has to be the same or empty. HS, RS, PS, ES and EdDSA. A client ' +
      'whose token expires while it is connected is disconnected with 0x87.',
  }),
  jwtIssuer: one(text('ISSUER'), { group: 'Access', help: 'take only tokens whose claim iss is this' }),
  jwtAudience: one(text('AUDIENCE'), { group: 'Access', help: 'take only tokens whose claim aud holds this' }),
  authUrl: one(httpUrl, {
    group: 'Access',
    help: 'ask this HTTP service about users that no file knows',
    more:
      'It gets a POST with a JSON object: clientId, userName, password (or passwordBase64), remoteAddress. 2xx lets the client in, ' +
      '401 refuses it with 0x86, 403 with 0x87, 404 passes; {"result":"deny"} in a 2xx answer is a no as well. Any other answer, or ' +
      'none in time, is a refusal with 0x88. 32 requests are under way at most, others wait.',
  }),
  authTimeout: one(integer('SECONDS', 1, 60), {
    group: 'Access',
    default: '5',
    unit: 'seconds',
    help: 'time that the service of --auth-url has',
  }),
  authCache: one(integer('SECONDS', 0, 86_400), {
    group: 'Access',
    default: '60',
    unit: 'seconds',
    help: 'time for which an answer of the service counts; 0: it is asked each time',
  }),
  admin: many(text('NAME'), {
    group: 'Access',
    help: 'a user that may control the broker by $CONTROL/broker/, repeatable',
    more:
      'With --admin or --http the broker takes requests: to list clients and subscriptions, and to disconnect clients. ' +
      'Beside administrators those may use them whom --acl lets write $CONTROL/broker/...; with neither --admin nor ' +
      '--acl whoever connects from this machine.',
  }),
  allowAnonymous: flag({ group: 'Access', help: 'clients without user name may connect' }),
  noSessionOwners: flag({
    group: 'Access',
    help: 'any user may resume the session of another',
    more: 'Without it a session belongs to the user that made it; another one is refused with 0x87.',
  }),
} as const
