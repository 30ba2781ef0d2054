import { packetTypeNames, Role } from '../../codec/packet-type.ts'
import type { CutRule, DelayRule, PacketRule } from '../../proxy/faults.ts'
import { ValueError, type ValueKind } from './option-row.ts'
import { duration } from './values.ts'

const senders = new Map<string, Role>([
  ['c2s', Role.CLIENT],
  ['s2c', Role.SERVER],
])
const ANY = 'any'
const typeNames = packetTypeNames.map((name) => name.toLowerCase())
const DIRECTION_TEXT = 'c2s (what clients send) or s2c (what the broker sends)'

/** `publish`, `puback:s2c`, `publish:s2c:0.1`, `any:c2s:5%`. */
export const packetRule: ValueKind<PacketRule> = {
  name: 'RULE',
  read: (typed) => {
    const [name = '', ...parts] = typed.split(':')
    const packetType = typeNames.indexOf(name)
    if (packetType < 1 && name !== ANY) {
      throw new ValueError(`a packet type first (${typeNames.slice(1).join(', ')} or ${ANY}), as in publish:s2c:0.1`)
    }
    const [sender, share, ...more] = senders.has(parts[0] ?? '') ? parts : [undefined, ...parts]
    if (more.length > 0 || (parts.length > 1 && sender === undefined)) {
      throw new ValueError(`TYPE:DIRECTION:PROBABILITY as in publish:s2c:0.1; the direction is ${DIRECTION_TEXT}`)
    }
    return {
      packetType: name === ANY ? null : packetType,
      sender: sender === undefined ? null : senders.get(sender)!,
      probability: share === undefined ? 1 : probabilityOf(share),
    }
  },
}

/** `50ms`, `10ms-80ms`, `50ms:s2c`. */
export const delayRule: ValueKind<DelayRule> = {
  name: 'TIME[-TIME]',
  read: (typed) => {
    const { value, sender } = withDirection(typed)
    const [least = '', most = least, ...more] = value.split('-')
    if (more.length > 0) throw new ValueError('a time like 50ms, or two like 10ms-80ms')
    const [minimumMs, maximumMs] = [duration.read(least), duration.read(most)]
    if (minimumMs > maximumMs) throw new ValueError('the shorter time first, as in 10ms-80ms')
    return { minimumMs, maximumMs, sender }
  },
}

/** `1000`, `1000b`, `1000:s2c`. */
export const cutRule: ValueKind<CutRule> = {
  name: 'BYTES',
  read: (typed) => {
    const { value, sender } = withDirection(typed)
    const afterBytes = /^\d+b?$/i.test(value) ? Number.parseInt(value, 10) : 0
    if (afterBytes < 1 || !Number.isSafeInteger(afterBytes)) {
      throw new ValueError('a number of bytes from 1 up, as in 1000 or 1000:s2c')
    }
    return { afterBytes, sender }
  },
}

function withDirection(typed: string): { value: string; sender: Role | null } {
  const [value = '', direction, ...more] = typed.split(':')
  if (direction === undefined) return { value, sender: null }
  const sender = senders.get(direction)
  if (sender === undefined || more.length > 0) throw new ValueError(`after the colon ${DIRECTION_TEXT}`)
  return { value, sender }
}

function probabilityOf(typed: string): number {
  const isPercentage = typed.endsWith('%')
  const number = Number(isPercentage ? typed.slice(0, -1) : typed) / (isPercentage ? 100 : 1)
  if (!/^(\d+(\.\d*)?|\.\d+)%?$/.test(typed) || number > 1) {
    throw new ValueError('a probability from 0 to 1, or a percentage: publish:0.1 or publish:10%')
  }
  return number
}
