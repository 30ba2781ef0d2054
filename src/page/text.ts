const strict = new TextDecoder('utf-8', { fatal: true })

/** A number for people: 12,345 and 0.4. */
export function numberText(value: number): string {
  if (value >= 10 || Number.isInteger(value)) return Math.round(value).toLocaleString('en')
  return value.toFixed(1)
}

/** A count with its noun: 1 topic, 2 topics. */
export function countText(count: number, noun: string): string {
  return `${numberText(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** Bytes for people: 512 B, 1.5 KiB. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/** A time span for people: 45 s, 3 min 20 s, 2 h 5 min, 12 d 4 h. */
export function durationText(seconds: number): string {
  const whole = Math.floor(seconds)
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3600) % 24,
    Math.floor(whole / 60) % 60,
  ]
  if (days > 0) return `${days} d ${hours} h`
  if (hours > 0) return `${hours} h ${minutes} min`
  if (minutes > 0) return `${minutes} min ${whole % 60} s`
  return `${whole} s`
}

/** How long the session of a client outlives its connection. */
export function expiryText(seconds: number): string {
  if (seconds === 0xffff_ffff) return 'never ends'
  return seconds === 0 ? 'ends with its connection' : durationText(seconds)
}

/** A payload for people: text when it is, else bytes as hex. @param bytes its beginning @param total its length */
export function payloadText(bytes: Uint8Array, total: number, isPretty = false): string {
  const rest = total > bytes.length ? ` ... (${bytesText(total)} in all)` : ''
  const text = textOf(bytes, total > bytes.length)
  if (text === null) return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ') + rest
  return (isPretty && rest === '' ? indented(text) : text) + rest
}

// null: it is none
function textOf(bytes: Uint8Array, isCut: boolean): string | null {
  // a cut may go through a character of up to 4 bytes
  for (let less = 0; less < (isCut ? 4 : 1); less++) {
    try {
      const text = strict.decode(bytes.subarray(0, bytes.length - less))
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what tells bytes from text
      return /[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]/.test(text) ? null : text
    } catch {
      // shorter, then
    }
  }
  return null
}

function indented(text: string): string {
  if (!/^\s*[[{]/.test(text)) return text
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
