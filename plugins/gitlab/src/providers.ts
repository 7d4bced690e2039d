/** Registers one provider for each GitLab instance that is set. */

import type { Hook } from '@oclif/core'
import type {} from 'kiss'
import { GitLabProvider } from './provider.js'
import { readSettings } from './settings.js'

const hook: Hook<'kiss-providers'> = async (options) => {
  const names = new Set<string>()
  for (const settings of readSettings(options.section('gitlab'), options.env)) {
    const name = uniqueName(settings.instance.label, names)
    names.add(name)
    options.register(new GitLabProvider({ settings, serving: options.serving, name }))
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
