import type { Properties } from '../../src/codec/property.ts'
import type { QoS } from '../../src/codec/qos.ts'

/** Topic, payload, QoS, RETAIN, properties. */
export type SentMessage = readonly [
  topic: string,
  payload: string | Buffer,
  qos?: QoS,
  retain?: boolean,
  properties?: Properties,
]

interface SubscribeRow {
  readonly line: readonly string[]
  readonly messages: readonly SentMessage[]
}

const PLAIN: readonly SentMessage[] = [
  ['in/a', 'hello'],
  ['in/b', 'two words', 1],
  ['in/a/c', '{"a":1,"b":"x"}', 2],
]
const BYTES: readonly SentMessage[] = [
  ['in/nul', Buffer.from([0x61, 0x00, 0x62])],
  ['in/high', Buffer.from([0xff, 0xfe, 0x80])],
  ['in/crlf', 'a\r\nb\r\n'],
]
const RETAINED: readonly SentMessage[] = [
  ['in/kept', 'old', 1, true],
  ['in/live', 'new', 1],
]
const EMPTY: readonly SentMessage[] = [
  ['in/empty', ''],
  ['in/full', 'x'],
]
const PROPERTIES: readonly SentMessage[] = [
  ['in/p', 'x', 0, false, { contentType: 'text/plain' }],
  ['in/p', 'x', 0, false, { responseTopic: 'r/s', correlationData: Buffer.from('corr') }],
  [
    'in/p',
    'x',
    0,
    false,
    {
      userProperties: [
        ['k', 'v'],
        ['k2', 'v2'],
      ],
    },
  ],
  ['in/p', 'x', 0, false, { payloadFormatIndicator: 1 }],
  ['in/p', 'x', 0, false, { messageExpiryIntervalSeconds: 300 }],
  ['in/p', 'x'],
]
const JSON_PAYLOADS: readonly SentMessage[] = [
  ['in/j', '{"a":1,"b":[true,null,"x"]}'],
  ['in/j', '[1,2,3]'],
  ['in/j', '"text"'],
  ['in/j', '12'],
]
const TEXTS: readonly SentMessage[] = [
  ['in/t', 'plain'],
  ['in/t', 'quote " back \\ tab \t'],
  ['in/t', 'grün €'],
]

const row = (messages: readonly SentMessage[], count: number, ...line: string[]): SubscribeRow => ({
  line: ['-t', 'in/#', '-C', String(count), ...line],
  messages,
})

/** What a subscriber prints. */
export const SUBSCRIBE_ROWS: readonly SubscribeRow[] = [
  row(PLAIN, 3),
  row(PLAIN, 3, '-v'),
  row(PLAIN, 3, '-N'),
  row(PLAIN, 3, '-N', '-v'),
  row(PLAIN, 3, '-q', '1', '-v'),
  row(PLAIN, 3, '-q', '2', '-v'),
  row(PLAIN, 3, '-V', 'mqttv5', '-v'),
  row(PLAIN, 3, '-V', '31', '-v'),
  row(PLAIN, 2, '-T', 'in/a', '-v'),
  row(PLAIN, 1, '-T', 'in/+', '-v'),
  row(PLAIN, 3, '--nodelay', '-k', '30', '-v'),
  row(PLAIN, 3, '-i', 'ID', '-c', '-v'),
  row(PLAIN, 3, '-I', 'matrix-', '-v'),
  row(BYTES, 3),
  row(BYTES, 3, '-v'),
  row(BYTES, 3, '-N'),
  row(BYTES, 3, '-F', '%x'),
  row(BYTES, 3, '-F', '%X %l'),
  row(BYTES, 3, '-F', '[%p]'),
  row(RETAINED, 2, '-v'),
  row(RETAINED, 1, '-R', '-v'),
  row(RETAINED, 1, '--retained-only', '-v'),
  row(RETAINED, 2, '-F', '%r %t %p'),
  row(RETAINED, 2, '-V', '5', '--retain-as-published', '-F', '%r'),
  row(EMPTY, 2),
  row(EMPTY, 2, '-v'),
  row(EMPTY, 2, '-N', '-v'),
  row(EMPTY, 2, '-F', '%t|%p|%l|%x'),
  row(EMPTY, 2, '-F', '%j'),
  row(PROPERTIES, 6, '-V', '5', '-F', '%C|%R|%D|%P|%F'),
  row(PROPERTIES.slice(4), 2, '-V', '5', '-F', '%E|%5E|%-5E|%05E'),
  row(PROPERTIES, 6, '-V', '5', '-F', '%20C|%-20C|%.4C|%10.4C'),
  row(PROPERTIES, 6, '-V', '5', '-F', '<%3F><%-3F><%03F>'),
  row(PROPERTIES, 6, '-V', '5', '-F', '<%A><%4A><%S><%3S>'),
  row(PLAIN, 3, '-V', '5', '-D', 'subscribe', 'subscription-identifier', '7', '-F', '%S %3S %-3S|'),
  row(PROPERTIES.slice(0, 1), 1, '-V', '5', '-F', '%j'),
  row(PROPERTIES.slice(1, 2), 1, '-V', '5', '-F', '%j'),
  row(PROPERTIES.slice(2, 3), 1, '-V', '5', '-F', '%j'),
  row(PROPERTIES.slice(3, 4), 1, '-V', '5', '-F', '%j'),
  row(TEXTS, 3, '-F', '%j'),
  row(TEXTS, 3, '-F', '%t: %p'),
  row(JSON_PAYLOADS, 4, '-F', '%J'),
  row(JSON_PAYLOADS, 4, '-q', '1', '-F', '%q %m %J'),
  row(PLAIN, 3, '-q', '2', '-F', '%q %l %r'),
  row(PLAIN, 3, '-q', '2', '-F', '%q %m'),
  row(PLAIN, 3, '-F', '<%12t><%-12t>'),
  row(PLAIN, 3, '-F', '<%.4t><%8.4t><%-8.4t>'),
  row(PLAIN, 3, '-F', '<%5l><%-5l><%05l>'),
  row(PLAIN, 3, '-F', '<%20p><%-20p>'),
  row(PLAIN, 3, '-F', '%% @@ \\\\ \\t\\n\\e[1m\\a\\v\\r'),
  row(PLAIN, 3, '-F', 'a\\0b %p'),
  row(PLAIN, 3, '-N', '-F', '%t\\0%p\\0'),
  row(PLAIN, 3, '-F', '%I'),
  row(PLAIN, 3, '-F', '%30I|%-30I|%.4I'),
  row(PLAIN, 3, '-F', '%U'),
  row(PLAIN, 3, '-F', '@Y-@m-@d @j @u @w @y @C @G @V @g @U @W'),
  row(PLAIN, 3, '-F', '@a @A @b @B @h @e @d @D @F @x'),
  row(PLAIN, 3, '-F', '@p @P @z @Z @n@t@%'),
  row(PLAIN, 3, '-F', 'no sequence at all'),
  row(PLAIN, 3, '-F', 'grün %t'),
  row(PLAIN, 3, '-F', ''),
  row(PLAIN, 3, '-v', '-F', '%p'),
  { line: ['-t', 'in/a', '-t', 'in/b', '-C', '2', '-v'], messages: PLAIN },
  { line: ['-t', 'in/+/c', '-C', '1', '-v'], messages: PLAIN },
  { line: ['-t', '$share/ID/in/#', '-V', '5', '-C', '3', '-v'], messages: PLAIN },
  { line: ['-t', 'in/#', '-E'], messages: PLAIN },
]

interface PublishRow {
  readonly line: readonly string[]
  readonly input?: string | Buffer
  /** messages that come */
  readonly count: number
}

/** What a publisher prints, and what comes of it. */
export const PUBLISH_ROWS: readonly PublishRow[] = [
  { line: ['-t', 'out/ID/a', '-m', 'hello'], count: 1 },
  { line: ['-t', 'out/ID/a', '-m', 'hello', '-q', '1'], count: 1 },
  { line: ['-t', 'out/ID/a', '-m', 'hello', '-q', '2'], count: 1 },
  { line: ['-t', 'out/ID/a', '-m', ''], count: 1 },
  { line: ['-t', 'out/ID/a', '-n'], count: 1 },
  { line: ['-t', 'out/ID/kept', '-m', 'x', '-r', '-q', '1'], count: 1 },
  { line: ['-t', 'out/ID/a', '-s'], input: Buffer.from('all\nof\0it\xff', 'latin1'), count: 1 },
  { line: ['-t', 'out/ID/a', '-f', '/etc/debian_version'], count: 1 },
  { line: ['-t', 'out/ID/a', '-l'], input: 'one\ntwo\n\nthree\r\n', count: 4 },
  { line: ['-t', 'out/ID/a', '-l', '-q', '1'], input: 'one\ntwo', count: 2 },
  { line: ['-t', 'out/ID/a', '-l', '-q', '2'], input: `${'x'.repeat(5000)}\ny\n`, count: 2 },
  { line: ['-t', 'out/ID/a', '-m', 'x', '--repeat', '3'], count: 3 },
  { line: ['-t', 'out/ID/a', '-m', 'x', '--repeat', '2', '--repeat-delay', '0.1', '-q', '1'], count: 2 },
  { line: ['-t', 'out/ID/ü', '-m', 'grün'], count: 1 },
  { line: ['-t', 'out/ID/a', '-m', 'x', '-V', '31'], count: 1 },
  { line: ['-t', 'out/ID/a', '-m', 'x', '-V', 'mqttv5', '-i', 'ID', '-x', '10'], count: 1 },
  { line: ['-V', '5', '-t', 'out/ID/a', '-m', 'x', '-D', 'publish', 'content-type', 'text/plain'], count: 1 },
  { line: ['-V', '5', '-t', 'out/ID/a', '-m', 'x', '-D', 'PUBLISH', 'response-topic', 'r'], count: 1 },
  { line: ['-V', '5', '-t', 'out/ID/a', '-m', 'x', '-D', 'publish', 'correlation-data', 'c'], count: 1 },
  {
    line: ['-V', '5', '-t', 'out/ID/a', '-m', 'x', '--property', 'publish', 'payload-format-indicator', '1'],
    count: 1,
  },
  { line: ['-V', '5', '-t', 'out/ID/a', '-m', 'x', '-D', 'publish', 'user-property', 'k', 'v w'], count: 1 },
  {
    line: ['-t', 'out/ID/a', '-m', 'x', '--will-topic', 'w', '--will-payload', 'p', '--will-qos', '1', '--will-retain'],
    count: 1,
  },
  { line: ['-t', 'out/ID/a', '-m', 'x', '--quiet', '-M', '5', '-k', '20', '-I', 'p-'], count: 1 },
]

/** What a requester prints. */
export const REQUEST_ROWS: readonly { readonly line: readonly string[]; readonly input?: string }[] = [
  { line: ['-t', 'ask/ID', '-e', 'answers/ID', '-m', 'hello'] },
  { line: ['-t', 'ask/ID', '-e', 'answers/ID', '-m', 'hello', '-v'] },
  { line: ['-t', 'ask/ID', '-e', 'answers/ID', '-m', 'hello', '-N'] },
  { line: ['-t', 'ask/ID', '-e', 'answers/ID', '-m', 'hello', '-F', '%t %q %p'] },
  { line: ['-t', 'ask/ID', '-e', 'answers/ID', '-n', '-q', '1'] },
  { line: ['-t', 'ask/ID', '-e', 'answers/ID', '-m', 'x', '-V', 'mqttv311'] },
]

interface ExceptionRow extends SubscribeRow {
  readonly reason: string
  readonly mosquitto: string
  readonly ours: string
}

/** All of them are to be printed; mosquitto 2.0.11 takes a tenth of the messages, at random. */
export const RANDOM_FILTER_ROW = row(
  Array.from({ length: 60 }, (_, i): SentMessage => ['in/p', String(i)]),
  60,
  '--random-filter',
  '100',
  // mosquitto's waits for the rest in vain
  '-W',
  '6',
)

/** Where the bytes differ on purpose. docs/mosquitto.md tells the same. */
export const EXCEPTIONS: readonly ExceptionRow[] = [
  {
    ...row([['in/p', 'abcdef']], 1, '-F', '<%3p><%4x>'),
    reason: 'widths are least widths',
    mosquitto: '<abc><6162>\n',
    ours: '<abcdef><616263646566>\n',
  },
  {
    ...row([['in/p', 'abcd']], 1, '-F', '<%10x><%-010X>'),
    reason: 'with a width %x shows all bytes, not half of them',
    mosquitto: '<      6162><6162      >\n',
    ours: '<  61626364><61626364  >\n',
  },
  {
    ...row([['in/ü', 'x']], 1, '-F', '<%.4t><%6t>'),
    reason: 'widths count characters',
    mosquitto: '<in/\xc3>< in/\xc3\xbc>\n',
    ours: '<in/\xc3\xbc><  in/\xc3\xbc>\n',
  },
  {
    ...row([['in/p', Buffer.from('a\0b')]], 1, '-F', '%j'),
    reason: 'JSON holds the whole payload',
    mosquitto: '{"tst":"TIME","topic":"in/p","qos":0,"retain":0,"payloadlen":3,"payload":"a"}\n',
    ours: '{"tst":"TIME","topic":"in/p","qos":0,"retain":0,"payloadlen":3,"payload":"a\\u0000b"}\n',
  },
  {
    ...row([['in/p', '{"n":12345678901234567890, "f":1.0}']], 1, '-F', '%J'),
    reason: 'numbers stay as they were written',
    mosquitto:
      '{"tst":"TIME","topic":"in/p","qos":0,"retain":0,"payloadlen":35,"payload":{"n":1.2345678901234567e+19,"f":1}}\n',
    ours: '{"tst":"TIME","topic":"in/p","qos":0,"retain":0,"payloadlen":35,"payload":{"n":12345678901234567890,"f":1.0}}\n',
  },
]
