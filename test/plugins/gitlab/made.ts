/** A provider of an instance below a path, with its own token, as the tests of the provider need it. */
import { instanceOf } from '#gitlab/instance.js'
import { GitLabProvider } from '#gitlab/provider.js'
import type { InstanceSettings } from '#gitlab/types.js'
import type { UpstreamRequest } from '#kiss/provider/types.js'

export const token = 'glpat-0123456789abcdefghij'
export const host = 'https://gitlab.example.com:8443/git'
export const api = `${host}/api/v4/projects/lab%2Fkernel`
export const web = `${host}/lab/kernel/-`
export const file = `${api}/jobs/1/artifacts/Image.gz`

export interface Making extends Partial<InstanceSettings> {
  readonly serving?: boolean
  readonly now?: () => number
}

export function make({ serving = false, now = () => 0, ...settings }: Making = {}): GitLabProvider {
  return new GitLabProvider({
    name: 'gitlab-example',
    serving,
    now,
    settings: {
      instance: instanceOf(host)!,
      token: { kind: 'private', origin: { token } },
      projects: [],
      share: 'all',
      movingTtl: 300,
      tags: [],
      ...settings,
    },
  })
}

export interface Asking {
  readonly asked?: string
  readonly hop?: number
  readonly clientCredential?: boolean
  readonly headers?: Record<string, string>
}

export async function authorised(provider: GitLabProvider, url: string, asking: Asking = {}): Promise<UpstreamRequest> {
  const { asked = url, hop = 0, clientCredential = false, headers = {} } = asking
  return provider.authorise(
    { method: 'GET', url: new URL(url), headers },
    { signal: new AbortController().signal, asked: new URL(asked), hop, clientCredential },
  )
}
