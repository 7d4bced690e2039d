/** Finds out how long the ref of a web URL `REF/PATH` is: the shortest one first, a longer one when GitLab knows no such ref. */

import type { Address, Resource } from './resource.js'

/** How many URLs are remembered; one costs some 200 bytes. */
const CAPACITY = 1000

/**
 * What GitLab itself does with a list of the refs (the first segment where that is one, else the longest match) comes out
 * the same, save where a tag `a` and a branch `a/b` exist and the shorter reading names no file.
 */
export class RefSearch {
  /** By canonical URL: which of its addresses is to be asked for; 0 is its own. */
  readonly #turn = new Map<string, number>()
  /** By the canonical URL of an address that was asked for: whose it is, and how many wait for an answer. */
  readonly #asked = new Map<
    string,
    { readonly of: string; readonly turn: number; readonly last: number; waiting: number }
  >()

  /** The address to ask for. `urlOf` names an address by its canonical URL, which is how its answer is recognised. */
  address(canonical: string, resource: Resource, urlOf: (address: Address) => string): Address {
    const others = resource.others ?? []
    const turn = Math.min(this.#turn.get(canonical) ?? 0, others.length)
    const address = others[turn - 1] ?? resource
    if (others.length > 0) {
      const url = urlOf(address)
      const waiting = (this.#asked.get(url)?.waiting ?? 0) + 1
      remember(this.#asked, url, { of: canonical, turn, last: others.length, waiting })
    }
    return address
  }

  /** The address is the right one, or its answer says nothing about the ref. */
  settled(url: string): void {
    this.#asked.delete(url)
  }

  /** The address has an unknown ref. True where another one is to be tried; after the last, it begins anew. */
  unknownRef(url: string): boolean {
    const asked = this.#asked.get(url)
    if (asked === undefined) return false
    asked.waiting -= 1
    if (asked.waiting === 0) this.#asked.delete(url)
    if (asked.turn < asked.last) {
      remember(this.#turn, asked.of, Math.max(this.#turn.get(asked.of) ?? 0, asked.turn + 1))
      return true
    }
    this.#turn.delete(asked.of)
    return false
  }
}

/** Sets a value, and drops the oldest one beyond the capacity. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= CAPACITY) return
  for (const oldest of map.keys()) {
    map.delete(oldest)
    return
  }
}
