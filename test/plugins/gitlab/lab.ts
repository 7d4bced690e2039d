/** A GitLab instance full of artifacts, and engines that reach it through the plugin, for the end-to-end tests. */
import type { Engine, EngineOptions } from '#kiss/engine/types.js'
import { plainProvider } from '#kiss/provider/owner.js'
import { instanceOf } from '#gitlab/instance.js'
import { GitLabProvider } from '#gitlab/provider.js'
import type { InstanceSettings } from '#gitlab/types.js'
import { GitLabServer } from '../../support/gitlab-server.js'
import { testEngines } from '../../support/engine.js'

export { filesWith, formsOf } from '../../support/secrets.js'

export const own = {
  private: 'glpat-server-own-private-token',
  narrow: 'glpat-server-own-narrow-token',
  job: 'glcbt-server-own-job-token',
  bearer: 'oauth-server-own-bearer-token',
  deploy: 'gldt-server-own-deploy-token',
} as const

export const sha = '0123456789abcdef0123456789abcdef01234567'

const made = new Map<string, Buffer>()

/** Many lines of this text, made once: encoding three megabytes takes longer than a test. */
function lines(text: string, count: number): Buffer {
  const known = made.get(text) ?? Buffer.alloc(Buffer.byteLength(text) * count, text)
  made.set(text, known)
  return known
}

/** Projects `lab/kernel` (private, number 7), `lab/open` (public, 8) and `other/secret` (private, 9). */
export async function startLab(root = ''): Promise<GitLabServer> {
  const gitlab = await GitLabServer.start(root)
  const kernel = gitlab.project('lab/kernel')
  for (const project of [kernel, gitlab.project('lab/open', 'public'), gitlab.project('other/secret')]) {
    const content = (what: string): Buffer => lines(`${what} of ${project.path}\n`, 1000)
    project.artifacts.set('1 arch/Image.gz', content('image'))
    project.artifacts.set('1 report.html', Buffer.from('<html>report</html>'))
    project.zips.set('1', content('zip'))
    project.zips.set('2', lines(`large zip of ${project.path}\n`, 150_000))
    for (const ref of ['main', 'feature/x']) project.latest.set(`${ref} build arm`, '1')
    project.files.set('main dts/board.dts', content('board'))
    project.files.set('main big.img', Buffer.from(`lfs:${'x'.repeat(5000)}`))
    project.files.set('feature/x dts/board.dts', content('board of a feature'))
    project.files.set(`${sha} dts/board.dts`, content('board of a commit'))
    project.packages.set('boot/1.0/boot.img', content('boot'))
    project.packageFiles.set('5', content('package file'))
    project.releases.set(
      'v1/bin/kiss',
      `${gitlab.url}/api/v4/projects/${project.id}/packages/generic/boot/1.0/boot.img`,
    )
  }
  const all = ['lab/kernel', 'other/secret']
  gitlab.tokens.add(own.private, 'private', all)
  gitlab.tokens.add(own.narrow, 'private', all, { wide: false })
  gitlab.tokens.add(own.job, 'job', all)
  gitlab.tokens.add(own.bearer, 'oauth', all)
  gitlab.tokens.add(own.deploy, 'deploy', all)
  return gitlab
}

type Settings = Partial<InstanceSettings> & { readonly serving?: boolean; readonly now?: () => number }

export function provider(
  gitlab: GitLabServer,
  { serving = false, now = () => 0, ...settings }: Settings = {},
): GitLabProvider {
  return new GitLabProvider({
    name: 'gitlab-test',
    serving,
    now,
    settings: {
      instance: instanceOf(gitlab.url)!,
      token: undefined,
      projects: [],
      share: 'all',
      movingTtl: 300,
      tags: [],
      ...settings,
    },
  })
}

export const ownPrivate: InstanceSettings['token'] = { kind: 'private', origin: { token: own.private } }

/** Engines of a suite, each on a folder of its own unless one is named. */
export function labEngines(): {
  readonly folder: () => Promise<string>
  readonly engine: (gitlab: GitLabServer, settings?: Settings, options?: Partial<EngineOptions>) => Promise<Engine>
} {
  const engines = testEngines()
  return {
    folder: () => engines.folder(),
    engine: async (gitlab, settings, options) =>
      engines.engine({ providers: [provider(gitlab, settings), plainProvider], ...options }),
  }
}
