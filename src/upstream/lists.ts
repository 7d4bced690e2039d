/** Checks the lists of upstreams without a client. Pure. */

import { parseMirrors } from './mirrors.js'
import { parseParents } from './parents.js'
import { parseRules } from './rules.js'
import type { UpstreamLists } from './types.js'

/** Throws KissError `usage` for the first that cannot. */
export function checkLists({ allow = [], deny = [], mirrors = [], parents }: UpstreamLists): void {
  parseRules(allow, 'allow-upstream')
  parseRules(deny, 'deny-upstream')
  parseMirrors(mirrors)
  parseParents(parents?.of ?? [])
}
