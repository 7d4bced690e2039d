/** Registers a provider for each GitLab instance that is set; two where a server shares lent artifacts in another way. */

import type { Hook } from '@oclif/core'
import type {} from 'kiss-cache'
import { GitLabProvider, type Part } from './provider.js'
import { readSettings } from './settings.js'

const hook: Hook<'kiss-providers'> = async (options) => {
  const names = new Set<string>()
  for (const settings of readSettings(options.section('gitlab'), options.env)) {
    const { serving } = options
    const parts: (Part | undefined)[] = serving && settings.share !== 'all' ? ['others', 'lent'] : [undefined]
    for (const part of parts) {
      const suffix = part === 'lent' ? `-${settings.share}` : ''
      const name = uniqueName(`${settings.instance.label}${suffix}`, names)
      names.add(name)
      options.register(new GitLabProvider({ settings, serving, name, ...(part && { part }) }))
    }
  }
}

export default hook

/** `gitlab-example-com-8443` of `gitlab.example.com:8443`; labels that differ in their dots alone get names apart. */
function uniqueName(label: string, taken: ReadonlySet<string>): string {
  const words = label
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
  const name = words.startsWith('gitlab') ? words : `gitlab-${words}`
  for (let n = 1; ; n += 1) {
    const candidate = n === 1 ? name : `${name}-${n}`
    if (!taken.has(candidate)) return candidate
  }
}
