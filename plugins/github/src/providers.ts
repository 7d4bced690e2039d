/** Registers a provider for each GitHub that is set; two where a server shares its loans in another way than `all`. */

import type { Hook } from '@oclif/core'
import type {} from 'kiss-cache'
import { uniqueName } from 'kiss-cache/provider-kit'
import { GitHubProvider, type Part } from './provider.js'
import { defaultPlace, readSettings } from './settings.js'

const hook: Hook<'kiss-providers'> = async ({ section, env, http, serving, register }) => {
  const { web } = defaultPlace(env)
  const names = new Set<string>()
  for (const settings of readSettings(section('github'), env)) {
    const parts: (Part | undefined)[] = serving && settings.share !== 'all' ? ['others', 'lent'] : [undefined]
    for (const part of parts) {
      const name = uniqueName('github', `${settings.place.label}${part === 'lent' ? `-${settings.share}` : ''}`, names)
      const isDefault = settings.place.web === web
      register(new GitHubProvider({ settings, serving, name, http, isDefault, ...(part && { part }) }))
    }
  }
}

export default hook
