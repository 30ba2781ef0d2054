import { flag, one } from './option-row.ts'
import { choice } from './values.ts'

/** What the broker does beyond counting: where the standard leaves a choice, and what of it may be switched off. */
export const featureOptions = {
  queueOverflow: one(choice('POLICY', ['reject', 'drop-oldest']), {
    group: 'Limits',
    default: 'reject',
    help: 'what a full queue gives up: the new message, or the oldest',
    more: 'With reject the publisher is told 0x97 when nobody else took the message. Each loss is counted and logged.',
  }),
  queueQos0: flag({
    group: 'Limits',
    help: 'QoS 0 messages wait for clients that are away, too',
  }),
  checkPayloadFormat: flag({
    group: 'Limits',
    help: 'refuse text that is not UTF-8 with 0x99',
    more: 'Only messages of 5.0 clients that mark their payload as text are checked.',
  }),
  noRetain: flag({ group: 'Limits', help: 'keep no retained messages; clients that send one are told 0x9A' }),
  noWildcards: flag({ group: 'Limits', help: 'refuse subscriptions with + or # (0xA2)' }),
  noShared: flag({ group: 'Limits', help: 'refuse shared subscriptions (0x9E)' }),
  noSubscriptionIds: flag({ group: 'Limits', help: 'refuse subscription identifiers (0xA1)' }),
} as const
