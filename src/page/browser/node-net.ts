/** In place of `node:net`: as much of it as addresses need. */
export function isIPv6(text: string): boolean {
  return text.includes(':')
}
