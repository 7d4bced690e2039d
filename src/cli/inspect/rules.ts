/** `kiss rules`: the rule of a URL, the resulting lifetime, and the reasons. */

import { narrowed, ruleFor, Rules, type Rule } from '../../engine/rules/rules.js'
import { displayUrl } from '../../http/urls.js'
import { parseUrl } from '../../http/parse-url.js'
import { collectProviders } from '../../provider/registry.js'
import type { UpstreamProvider } from '../../provider/types.js'
import { formatDuration } from '../../units.js'
import type { BaseCommand } from '../base-command.js'
import { openHttp } from '../open-http.js'
import type { Settings } from '../settings/resolve.js'
import { configuredRules, writtenRule } from '../settings/rules.js'
import type { SettingValues } from '../settings/table.js'

export interface ExplainedUrl {
  /** Canonical and displayable: what patterns are compared with. */
  readonly url: string
  /** The rule as written, with its file and line. */
  readonly rule: Readonly<Record<string, string | readonly string[]>> | null
  /** Seconds of freshness; null if the origin decides, or nothing is stored. */
  readonly lifetime: number | null
  readonly why: string
}

/** @throws KissError `bad-url`, `unsupported-scheme`, `configuration` */
export async function explainRules(
  command: BaseCommand,
  urls: readonly string[],
  settings: Settings,
): Promise<ExplainedUrl[]> {
  const rules = new Rules(configuredRules(settings.file))
  const providers = await collectProviders(command.config, {
    section: (name) => settings.file?.sections.get(name)?.value,
    env: process.env,
    http: openHttp(command),
    serving: false,
  })
  return urls.map((text) => {
    const url = parseUrl(text)
    const { canonical, provider, rule } = ruleFor(url, rules, providers)
    const { lifetime, why } = lifetimeOf(rule, { url, provider, values: settings.values })
    return {
      url: displayUrl(canonical),
      rule: rule === undefined ? null : { ...Object.fromEntries(writtenRule(rule)), place: rule.place },
      lifetime: lifetime === undefined ? null : lifetime / 1000,
      why,
    }
  })
}

interface Circumstances {
  readonly url: URL
  readonly provider: UpstreamProvider
  readonly values: SettingValues
}

/** Milliseconds. */
interface Lifetime {
  readonly lifetime?: number | undefined
  readonly why: string
}

function lifetimeOf(rule: Rule | undefined, circumstances: Circumstances): Lifetime {
  if (rule?.store === 'never') return { why: 'store: never, every request goes to the origin' }
  if (rule?.freshness === 'origin') return { why: 'freshness: origin, the fields of each answer say it (RFC 9111)' }
  const { lifetime, why } = storing(rule, circumstances)
  const stale = rule?.staleIfError ?? circumstances.values['stale-if-error']
  const whose = rule?.staleIfError === undefined ? 'stale-if-error' : 'stale-if-error of the rule'
  return { lifetime, why: `${why}; stale for ${formatDuration(stale)} more while the origin is down (${whose})` }
}

function storing(rule: Rule | undefined, { url, provider, values }: Circumstances): Required<Lifetime> {
  const { ttl, 'max-ttl': maxTtl, 'default-ttl': defaultTtl } = values
  const asked = narrowed(ttl, rule)
  if (asked !== undefined && asked !== ttl)
    return {
      lifetime: asked,
      why: ttl === undefined ? 'ttl of the rule' : 'ttl of the rule, which --ttl does not widen',
    }
  if (asked !== undefined)
    return asked > maxTtl ? { lifetime: maxTtl, why: 'max-ttl, in kiss serve' } : { lifetime: asked, why: '--ttl' }
  const own = provider.ttl?.(url)
  return own === undefined
    ? { lifetime: defaultTtl, why: 'default-ttl' }
    : { lifetime: own * 1000, why: `the provider ${provider.name}` }
}

/** For people. */
export function ruleLines({ url, rule, lifetime, why }: ExplainedUrl): string[] {
  const { match, place, ...others } = rule ?? {}
  const keys = Object.entries(others).map(([key, value]) => `${key}: ${[value].flat().join(', ')}`)
  const held = rule === null ? 'none' : [`match: ${[match].flat().join(', ')}`, ...keys].join('; ')
  return [
    url,
    `  rule      ${held}${rule === null ? '' : ` (${[place].flat().join('')})`}`,
    `  lifetime  ${lifetime === null ? 'none' : formatDuration(lifetime * 1000)}: ${why}`,
  ]
}
