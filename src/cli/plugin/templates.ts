/** The files of a new plugin. docs/plugins.md explains them. Pure. */

export function templates(name: string, version: string): Record<string, string> {
  const title = `${name[0]?.toUpperCase() ?? ''}${name.slice(1)}`
  return {
    'package.json': packageJson(name, version),
    'tsconfig.json': tsconfig,
    '.gitignore': 'dist/\nnode_modules/\noclif.manifest.json\n',
    'README.md': readme(name),
    'src/provider.ts': provider(name, title),
    'src/providers.ts': hook(name, title),
    [`src/commands/${name}/kept.ts`]: command(name, title),
    'src/provider.test.ts': test(name, title),
  }
}

function packageJson(name: string, version: string): string {
  const content = {
    name: `kiss-${name}`,
    version: '0.1.0',
    description: `kiss plugin: ${name}: URLs`,
    type: 'module',
    engines: { node: '>=20.19' },
    files: ['dist', '!dist/**/*.test.*', 'oclif.manifest.json'],
    scripts: {
      build: 'tsc && oclif manifest',
      test: 'npm run build && node --test dist/*.test.js',
      prepack: 'npm run build',
    },
    oclif: {
      commands: './dist/commands',
      topicSeparator: ' ',
      hooks: { 'kiss-providers': './dist/providers.js' },
    },
    kiss: { sections: [name] },
    peerDependencies: { 'kiss-cache': `>=${version}` },
    peerDependenciesMeta: { 'kiss-cache': { optional: true } },
    devDependencies: {
      '@types/node': '^20.19.43',
      'kiss-cache': `>=${version}`,
      oclif: '^4.24.0',
      typescript: '>=5.9',
    },
  }
  return `${JSON.stringify(content, null, 2)}\n`
}

const tsconfig = `${JSON.stringify(
  {
    compilerOptions: {
      target: 'ES2022',
      module: 'NodeNext',
      types: ['node'],
      strict: true,
      rootDir: 'src',
      outDir: 'dist',
      declaration: true,
      skipLibCheck: false,
    },
    include: ['src'],
  },
  null,
  2,
)}\n`

const readme = (name: string): string => `# kiss-${name}

\`${name}:/path\` is what the server of the configuration has under that path.

\`\`\`yaml
plugins: [kiss-${name}] # or the path of this folder
${name}:
  server: https://builds.example.com/
\`\`\`

\`npm test\` checks the provider contract; \`npm pack\` makes the package.
`

const provider = (
  name: string,
  title: string,
): string => `/** Serves ${name}: URLs from the server of the configuration. */

import type { ProviderContext, UpstreamProvider, UpstreamRequest } from 'kiss-cache'

export interface ${title}Settings {
  /** Base URL. */
  readonly server: string
  /** Of ${name.toUpperCase()}_TOKEN; undefined: anonymous. */
  readonly token: string | undefined
  /** True in \`kiss serve\`, where strangers ask: the token is for nobody. */
  readonly serving: boolean
}

export class ${title}Provider implements UpstreamProvider {
  readonly name = '${name}'
  /** Above 0, which is plain HTTP. */
  readonly priority = 10

  constructor(private readonly settings: ${title}Settings) {}

  matches(url: URL): boolean {
    return url.protocol === '${name}:' && /^\\/(?!\\/)/.test(url.pathname)
  }

  objection(url: URL): string | undefined {
    return url.protocol === '${name}:' && !this.matches(url) ? 'expected ${name}:/path' : undefined
  }

  cacheKey(url: URL): URL {
    return new URL(\`${name}:\${url.pathname}\`)
  }

  carriesCredential(url: URL): boolean {
    return url.username !== '' || url.password !== ''
  }

  async authorise(request: UpstreamRequest, { hop, clientCredential }: ProviderContext): Promise<UpstreamRequest> {
    // No token follows a redirect.
    if (hop > 0) return request
    const { server, token, serving } = this.settings
    const url = new URL(request.url.pathname, server)
    if (token === undefined || clientCredential || serving) return { ...request, url }
    return { ...request, url, headers: { ...request.headers, authorization: \`Bearer \${token}\` } }
  }

  /** Seconds: content behind "latest" changes. */
  ttl(url: URL): number | undefined {
    return url.pathname.split('/').includes('latest') ? 300 : undefined
  }
}
`

const hook = (name: string, title: string): string => `/** The hook by which kiss finds the provider. */

import type { Hook } from '@oclif/core'
import type {} from 'kiss-cache'
import { ${title}Provider } from './provider.js'

const hook: Hook<'kiss-providers'> = async ({ register, section, env, serving }) => {
  const { server = 'https://builds.example.com/' } = (section('${name}') ?? {}) as { server?: string }
  if (!URL.canParse(server)) throw new Error('${name}.server: expected a URL')
  register(new ${title}Provider({ server, token: env['${name.toUpperCase()}_TOKEN'], serving }))
}

export default hook
`

const command = (name: string, title: string): string => `/** \`kiss ${name} kept\` */

import { BaseCommand, flagsFor, openEngine } from 'kiss-cache/plugin'

export default class ${title}Kept extends BaseCommand {
  static override summary = 'list the ${name}: URLs that are in the cache'
  static override flags = flagsFor(['cache-dir'])

  async run(): Promise<{ urls: string[] }> {
    await this.settings((await this.parse(${title}Kept)).flags)
    const engine = await openEngine(this)
    const urls: string[] = []
    try {
      for await (const { url } of engine.list()) if (url.startsWith('${name}:')) urls.push(url)
    } finally {
      await engine.close()
    }
    for (const url of urls) this.log(url)
    return { urls } // printed under --json
  }
}
`

const test = (name: string, title: string): string => `import { describe, it } from 'node:test'
import { providerChecks, type ProviderSamples } from 'kiss-cache/provider-contract'
import { ${title}Provider } from './provider.js'

const samples: ProviderSamples = {
  same: [['${name}:/a', '${name}:/a?x=1', '${name}:/b/../a#top'], ['${name}:/b']],
  foreign: ['https://builds.example.com/a', '${name}:a', '${name}:////elsewhere.example/a'],
  credentials: ['${name}://someone:pass@host/a'],
  plain: ['${name}:/a', '${name}:/latest/a'],
  authorised: ['${name}:/a'],
  secrets: ['secret-token', 'pass'],
}

function make(): ${title}Provider {
  return new ${title}Provider({ server: 'https://builds.example.com/', token: 'secret-token', serving: false })
}

describe('the ${name} provider', () => {
  for (const check of providerChecks(make, samples)) it(check.name, () => check.run())
})
`
