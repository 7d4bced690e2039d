/** Registers a provider for each GitLab instance that is set; two where a server shares lent artifacts in another way. */

import type { Hook } from '@oclif/core'
import type {} from 'kiss-cache'
import { uniqueName } from 'kiss-cache/provider-kit'
import { GitLabProvider, type Part } from './provider.js'
import { readSettings } from './settings.js'

const hook: Hook<'kiss-providers'> = async (options) => {
  const names = new Set<string>()
  for (const settings of readSettings(options.section('gitlab'), options.env)) {
    const { serving } = options
    const parts: (Part | undefined)[] = serving && settings.share !== 'all' ? ['others', 'lent'] : [undefined]
    for (const part of parts) {
      const suffix = part === 'lent' ? `-${settings.share}` : ''
      const name = uniqueName('gitlab', `${settings.instance.label}${suffix}`, names)
      options.register(new GitLabProvider({ settings, serving, name, ...(part && { part }) }))
    }
  }
}

export default hook
