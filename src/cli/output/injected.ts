import type { Injected } from '../../proxy/tap.ts'

/** What a proxy did to a packet on purpose: `dropped`, `copy, held 50.0 ms`; '' for nothing. */
export function injectedText({ isDropped, isCopy, heldMs }: Injected): string {
  const parts = [isDropped ? 'dropped' : '', isCopy ? 'copy' : '', heldMs > 0 ? `held ${heldMs.toFixed(1)} ms` : '']
  return parts.filter(Boolean).join(', ')
}
