/** Finds the provider of a URL. */

import type { UpstreamProvider } from './types.js'

/** The matching provider with the highest priority; among equal priorities the first by name. Pure. */
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
