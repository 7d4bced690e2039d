/** Which provider a URL belongs to. */

import type { UpstreamProvider } from './types.js'

/** Of the providers that match, the one with the highest priority, and of several the first by name. Pure. */
export function ownerOf(url: URL, providers: readonly UpstreamProvider[]): UpstreamProvider | undefined {
  let owner: UpstreamProvider | undefined
  for (const provider of providers) {
    if (provider.matches(url) && (owner === undefined || precedes(provider, owner))) owner = provider
  }
  return owner
}

function precedes(a: UpstreamProvider, b: UpstreamProvider): boolean {
  return a.priority > b.priority || (a.priority === b.priority && a.name < b.name)
}
