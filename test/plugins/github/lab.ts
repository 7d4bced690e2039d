/** A GitHub full of artifacts, and engines that reach it through the plugin, for the end-to-end tests. */
import { openHttpClient } from '../../support/http-client.js'
import type { Engine, EngineOptions } from '#kiss/engine/types.js'
import { plainProvider } from '#kiss/provider/owner.js'
import { placeOf } from '#github/place.js'
import { GitHubProvider, type GitHubOptions } from '#github/provider.js'
import type { HostSettings } from '#github/types.js'
import { GitHubServer, type Repository } from '../../support/github-server.js'
import { testEngines } from '../../support/engine.js'
import { bytes } from '../../support/origin.js'
import { zip } from '../../support/zip.js'

export const token = 'ghp_serverOwnToken0123456789'
export const image = bytes('image', 300_000)
export const modules = bytes('modules', 50_000)
export const artifact = zip([
  { name: 'boot/Image.gz', body: image },
  { name: 'modules.tar', body: modules, method: 0 },
])
export const sha = '0123456789abcdef0123456789abcdef01234567'

export interface Lab {
  readonly github: GitHubServer
  /** `Lab/kernel`, private. */
  readonly kernel: Repository
  /** `Lab/open`, public. */
  readonly open: Repository
}

export async function startLab(): Promise<Lab> {
  const github = await GitHubServer.start()
  const fill = (repository: Repository): Repository => {
    repository.release('v1.1', 'Image.gz', bytes(`${repository.path} v1.1`, 100_000))
    repository.release('v1.2', 'Image.gz', image)
    repository.upload(4711, 'build', artifact)
    repository.workflows.set('build.yml@main', [4711, 4710])
    for (const ref of ['main', sha]) repository.files.set(`${ref}/dts/board.dts`, Buffer.from(`board of ${ref}\n`))
    for (const ref of ['refs/tags/v1.2', 'main', sha]) repository.archives.set(`${ref}.tar.gz`, bytes(ref, 5000))
    return repository
  }
  const [kernel, open] = [fill(github.repository('Lab/kernel')), fill(github.repository('Lab/open', 'public'))]
  github.tokens.set(token, ['Lab/kernel'])
  return { github, kernel, open }
}

type Making = Partial<HostSettings> & Partial<Pick<GitHubOptions, 'serving' | 'now' | 'part'>>

export function provider(github: GitHubServer, making: Making = {}): GitHubProvider {
  const { serving = false, now, part, ...settings } = making
  return new GitHubProvider({
    name: 'github-test',
    serving,
    http: openHttpClient(),
    isDefault: true,
    ...(now && { now }),
    ...(part && { part }),
    settings: {
      place: placeOf(github.url)!,
      token: undefined,
      repositories: [],
      share: 'all',
      movingTtl: 300,
      tags: [],
      ...settings,
    },
  })
}

export const withToken: Making = { token: { token } }

export function labEngines(): {
  readonly engine: (github: GitHubServer, making?: Making, options?: Partial<EngineOptions>) => Promise<Engine>
} {
  const engines = testEngines()
  return {
    engine: async (github, making, options) =>
      engines.engine({ providers: [provider(github, making), plainProvider], ...options }),
  }
}
