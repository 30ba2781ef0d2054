/** What the exit code of mqtt-kit says; the numbers are a promise to scripts. */
export const ExitCode = {
  DONE: 0,
  OWN_FAULT: 1,
  USAGE: 2,
  CANNOT_CONNECT: 3,
  CONNECT_REFUSED: 5,
  SUBSCRIBE_REFUSED: 6,
  CONNECTION_LOST: 7,
  TLS: 8,
  PUBLISH_REFUSED: 9,
  PROTOCOL: 10,
  MALFORMED: 11,
  OUTPUT: 12,
  TIMEOUT: 27,
  THRESHOLD: 99,
  INTERRUPTED: 130,
  TERMINATED: 143,
} as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/** One row of the table in help and man pages. */
export interface ExitCodeRow {
  readonly code: ExitCode
  readonly when: string
}

/** Every exit code with what it means, in order. */
export const exitCodes: readonly ExitCodeRow[] = [
  { code: ExitCode.DONE, when: 'done' },
  { code: ExitCode.OWN_FAULT, when: 'a fault in mqtt-kit itself' },
  { code: ExitCode.USAGE, when: 'usage or configuration' },
  {
    code: ExitCode.CANNOT_CONNECT,
    when: 'cannot connect or listen: no such host, refused, unreachable, port in use, no CONNACK in time',
  },
  { code: ExitCode.CONNECT_REFUSED, when: 'CONNECT refused by the broker' },
  { code: ExitCode.SUBSCRIBE_REFUSED, when: 'SUBSCRIBE refused by the broker: no filter was granted' },
  { code: ExitCode.CONNECTION_LOST, when: 'connection lost for good, or taken over by another client' },
  {
    code: ExitCode.TLS,
    when: 'TLS failed: the certificate of the broker or ours is not accepted, or TLS is not spoken',
  },
  { code: ExitCode.PUBLISH_REFUSED, when: 'PUBLISH refused (reason code 0x80 or above) or never acknowledged' },
  { code: ExitCode.PROTOCOL, when: 'the peer broke the protocol or does not speak MQTT' },
  {
    code: ExitCode.MALFORMED,
    when: 'inspect: a packet is malformed or breaks a rule; inspect diff: the inputs differ',
  },
  { code: ExitCode.OUTPUT, when: 'cannot write output, for example because the disk is full' },
  { code: ExitCode.TIMEOUT, when: 'timeout: -W passed before what was asked for came' },
  {
    code: ExitCode.THRESHOLD,
    when: 'bench: a threshold failed, or messages were lost, repeated, reordered or changed',
  },
  { code: ExitCode.INTERRUPTED, when: 'SIGINT (Ctrl-C) while something awaited was unfinished' },
  { code: ExitCode.TERMINATED, when: 'SIGTERM while something awaited was unfinished' },
]
