/** Registers a provider for each GitHub that is set; two where a server shares its loans in another way than `all`. */

import type { Hook } from '@oclif/core'
import type {} from 'kiss-cache'
import { GitHubProvider, type Part } from './provider.js'
import { defaultPlace, readSettings } from './settings.js'

const hook: Hook<'kiss-providers'> = async ({ section, env, http, serving, register }) => {
  const { web } = defaultPlace(env)
  const names = new Set<string>()
  for (const settings of readSettings(section('github'), env)) {
    const parts: (Part | undefined)[] = serving && settings.share !== 'all' ? ['others', 'lent'] : [undefined]
    for (const part of parts) {
      const name = uniqueName(`${settings.place.label}${part === 'lent' ? `-${settings.share}` : ''}`, names)
      names.add(name)
      const isDefault = settings.place.web === web
      register(new GitHubProvider({ settings, serving, name, http, isDefault, ...(part && { part }) }))
    }
  }
}

export default hook

/** `github-example-com-8443` of `github.example.com:8443`; labels that differ in their dots alone get names apart. */
function uniqueName(label: string, taken: ReadonlySet<string>): string {
  const words = label
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
  const name = words.startsWith('github') ? words : `github-${words}`
  for (let n = 1; ; n += 1) {
    const candidate = n === 1 ? name : `${name}-${n}`
    if (!taken.has(candidate)) return candidate
  }
}
