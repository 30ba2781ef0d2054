import { flag, one } from './option-row.ts'
import { choice, text } from './values.ts'

/** Where the broker keeps what has to outlive it. */
export const storageOptions = {
  data: one(text('DIR'), {
    group: 'Storage',
    help: 'keep sessions, their queues, wills and retained messages here; without it they end with the broker',
    more:
      'The directory is made when it is not there. One that holds something else, that is damaged, that a newer version made or ' +
      'that another broker uses is refused and left as it is.',
  }),
  durability: one(choice('LEVEL', ['process', 'power']), {
    group: 'Storage',
    default: 'process',
    help: 'what an acknowledged message survives: the end of the process (kill -9), or a power cut',
    more:
      'With process the operating system has everything before an acknowledgement leaves; with power the disk has it (fsync), once ' +
      'for all that came in while the last fsync ran.',
  }),
  dataRepair: flag({
    group: 'Storage',
    help: 'set aside what is broken in the directory of --data, and start with the rest',
    more: 'The files as they were go to set-aside-TIME in the directory; what was lost is said on stderr.',
  }),
  state: one(text('FILE'), {
    group: 'Storage',
    help: 'begin with the sessions and messages of this file, in memory: JSON lines as store export writes them',
    more: 'For tests: lines may be written by hand, see mqtt-kit-store(1). The file is not changed.',
  }),
} as const
