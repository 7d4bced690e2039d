/** The operator's rules for URLs: the first that matches a URL decides. Pure. */

import { KissError } from '../../errors.js'
import { providerFor } from '../../flight/subject.js'
import { type Glob, globPattern } from '../../http/glob.js'
import { encodedPattern } from '../../http/parse-url.js'
import type { Sharing, UpstreamProvider } from '../../provider/types.js'
import { LruMap } from '../../store/lru.js'
import { withoutQuery } from '../../store/select.js'
import type { Lane } from '../../upstream/types.js'

export interface Rule {
  /** Globs over the canonical URL without query; one that ends in `/` means everything below it. */
  readonly match: readonly string[]
  /** Milliseconds: the lifetime of stored entries. */
  readonly ttl?: number | undefined
  /** Milliseconds that a stale entry is served while the origin is down. */
  readonly staleIfError?: number | undefined
  /** `origin`: the origin's own fields decide about storing and freshness (RFC 9111). */
  readonly freshness?: 'origin' | undefined
  readonly store?: 'never' | undefined
  /** Bytes: a larger body is served and not kept. */
  readonly maxSize?: number | undefined
  /** Downloads at once of all URLs of this rule, in place of the limit per host. */
  readonly connections?: number | undefined
  /** Kiss servers that are asked before mirrors and origin. */
  readonly parent?: readonly string[] | undefined
  /** Replaces the `share` of the provider. */
  readonly share?: Sharing | undefined
  /** The URL of a file with the SHA-256, relative to the artifact; `*` is the name of its file. */
  readonly sha256From?: string | undefined
  /** The file and line of the rule: `/etc/kiss.yaml:12`. */
  readonly place: string
}

/** URLs whose rule is remembered. */
const REMEMBERED = 10_000

/** The rules in force. A server exchanges them when it reads its settings again. */
export class Rules {
  #rules: readonly Compiled[] = []
  #known = new LruMap<string, { readonly rule: Rule | undefined }>(REMEMBERED)

  /** @throws KissError `configuration` for an invalid pattern, and changes nothing then */
  constructor(rules: readonly Rule[] = []) {
    this.replace(rules)
  }

  /** @throws as the constructor */
  replace(rules: readonly Rule[]): void {
    this.#rules = rules.map((rule) => ({ rule, patterns: rule.match.map((match) => compile(match, rule.place)) }))
    this.#known = new LruMap(REMEMBERED)
  }

  /** @param url canonical, perhaps in its displayable form */
  of(url: URL | string): Rule | undefined {
    if (this.#rules.length === 0) return undefined
    const text = withoutQuery(String(url))
    const known = this.#known.get(text)
    if (known !== undefined) return known.rule
    const rule = this.#rules.find(({ patterns }) => patterns.some((pattern) => pattern.test(text)))?.rule
    this.#known.set(text, { rule })
    return rule
  }
}

/** The rule of a URL as a user writes it. Throws KissError if no provider serves it. */
export function ruleFor(
  url: URL,
  rules: Rules,
  providers: readonly UpstreamProvider[],
): { readonly canonical: URL; readonly provider: UpstreamProvider; readonly rule: Rule | undefined } {
  const provider = providerFor(url, providers)
  const canonical = provider.cacheKey(url)
  return { canonical, provider, rule: rules.of(canonical) }
}

/** The clients that may read the bytes that the provider's own credential brings. */
export function sharingOf(provider: UpstreamProvider, rule: Rule | undefined): Sharing {
  return rule?.share ?? provider.share ?? 'all'
}

/** The places of the downloads of a rule, in place of those of their host. */
export function laneOf(rule: Rule | undefined): Lane | undefined {
  return rule?.connections === undefined ? undefined : { name: rule.place, places: rule.connections }
}

/** Milliseconds. A client's `ttl` shortens the lifetime of a rule, and never extends it. */
export function narrowed(ttl: number | undefined, rule: Rule | undefined): number | undefined {
  return ttl === undefined || rule?.ttl === undefined ? (ttl ?? rule?.ttl) : Math.min(ttl, rule.ttl)
}

interface Compiled {
  readonly rule: Rule
  readonly patterns: readonly Glob[]
}

function compile(match: string, place: string): Glob {
  if (!/^[a-z*][a-z0-9+.*-]*:\/\/[^?#]+$/.test(match)) {
    const hint = 'write it with its scheme and without a query, such as https://host/path/**'
    throw new KissError('configuration', `${place}: match: ${JSON.stringify(match)} is no pattern of URLs`, { hint })
  }
  const pattern = encodedPattern(match)
  return globPattern(pattern.endsWith('/') ? `${pattern}**` : pattern)
}
