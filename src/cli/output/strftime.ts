const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]
const ABBREVIATED = 3
const DAY_MS = 86_400_000

const padded = (value: number, digits = 2, filler = '0'): string => String(value).padStart(digits, filler)

/** What strftime(3) writes for one letter in the C locale, in local time; and N, which is nanoseconds as in date(1). */
const conversions: Readonly<Record<string, (date: Date) => string>> = {
  a: (date) => DAYS[date.getDay()]!.slice(0, ABBREVIATED),
  A: (date) => DAYS[date.getDay()]!,
  b: (date) => MONTHS[date.getMonth()]!.slice(0, ABBREVIATED),
  B: (date) => MONTHS[date.getMonth()]!,
  c: (date) => joined(date, ['a', ' ', 'b', ' ', 'e', ' ', 'T', ' ', 'Y']),
  C: (date) => padded(Math.floor(date.getFullYear() / 100)),
  d: (date) => padded(date.getDate()),
  D: (date) => joined(date, ['m', '/', 'd', '/', 'y']),
  e: (date) => padded(date.getDate(), 2, ' '),
  F: (date) => joined(date, ['Y', '-', 'm', '-', 'd']),
  g: (date) => padded(isoWeek(date).year % 100),
  G: (date) => String(isoWeek(date).year),
  h: (date) => conversions['b']!(date),
  H: (date) => padded(date.getHours()),
  I: (date) => padded(hourOfTwelve(date)),
  j: (date) => padded(dayOfYear(date) + 1, 3),
  k: (date) => padded(date.getHours(), 2, ' '),
  l: (date) => padded(hourOfTwelve(date), 2, ' '),
  m: (date) => padded(date.getMonth() + 1),
  M: (date) => padded(date.getMinutes()),
  n: () => '\n',
  N: (date) => padded(date.getMilliseconds() * 1_000_000, 9),
  p: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  P: (date) => (date.getHours() < 12 ? 'am' : 'pm'),
  r: (date) => joined(date, ['I', ':', 'M', ':', 'S', ' ', 'p']),
  R: (date) => joined(date, ['H', ':', 'M']),
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  S: (date) => padded(date.getSeconds()),
  t: () => '\t',
  T: (date) => joined(date, ['H', ':', 'M', ':', 'S']),
  u: (date) => String(date.getDay() || 7),
  U: (date) => padded(Math.floor((dayOfYear(date) + 7 - date.getDay()) / 7)),
  V: (date) => padded(isoWeek(date).week),
  w: (date) => String(date.getDay()),
  W: (date) => padded(Math.floor((dayOfYear(date) + 7 - ((date.getDay() + 6) % 7)) / 7)),
  x: (date) => conversions['D']!(date),
  X: (date) => conversions['T']!(date),
  y: (date) => padded(date.getFullYear() % 100),
  Y: (date) => String(date.getFullYear()),
  z: (date) => zoneOffset(date),
  Z: (date) => zoneName(date),
  '%': () => '%',
  '+': (date) => joined(date, ['a', ' ', 'b', ' ', 'e', ' ', 'T', ' ', 'Z', ' ', 'Y']),
}

/** Is there such a conversion? */
export function isTimeConversion(letter: string): boolean {
  return Object.hasOwn(conversions, letter)
}

/** One conversion of strftime(3): `strftime('Y', date)` is the year. @param letter one that {@link isTimeConversion} knows */
export function strftime(letter: string, date: Date): string {
  return conversions[letter]!(date)
}

/** `2016-08-10T09:47:38`, local time. */
export function localSecond(date: Date): string {
  return joined(date, ['F', 'T', 'T'], 1)
}

// Letters are conversions; whatever is no letter stands for itself, and so does the piece at `literal`.
function joined(date: Date, pieces: readonly string[], literal = -1): string {
  return pieces.map((piece, i) => (i !== literal && /[a-zA-Z]/.test(piece) ? strftime(piece, date) : piece)).join('')
}

function hourOfTwelve(date: Date): number {
  return date.getHours() % 12 || 12
}

// Days since New Year; through UTC, for local days may have 23 or 25 hours.
function dayOfYear(date: Date): number {
  return (Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - Date.UTC(date.getFullYear(), 0, 1)) / DAY_MS
}

// The week belongs to the year of its Thursday (ISO 8601).
function isoWeek(date: Date): { year: number; week: number } {
  const thursday = new Date(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate() + 4 - (date.getDay() || 7)))
  const year = thursday.getUTCFullYear()
  return { year, week: Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS / 7) + 1 }
}

function zoneOffset(date: Date): string {
  const minutes = -date.getTimezoneOffset()
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${padded(Math.floor(size / 60))}${padded(size % 60)}`
}

function zoneName(date: Date): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(date)
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? ''
}
