/** A third-party plugin as somebody else would write it: a provider for `mem:` URLs and a command, in plain JavaScript. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const packageJson = {
  name: 'kiss-mem',
  version: '1.2.3',
  type: 'module',
  files: ['provider.js', 'commands', 'oclif.manifest.json'],
  kiss: { sections: ['mem'] },
  oclif: { commands: './commands', topicSeparator: ' ', hooks: { 'kiss-providers': './provider.js' } },
  peerDependencies: { kiss: '*' },
  peerDependenciesMeta: { kiss: { optional: true } },
}

/** `mem:name` is a path of the server that the section `mem:` names. */
const provider = `
export default async function ({ register, section }) {
  const { server } = section('mem') ?? {}
  register({
    name: 'mem',
    priority: 10,
    matches: (url) => url.protocol === 'mem:',
    cacheKey: (url) => new URL('mem:' + url.pathname),
    authorise: async (request, { hop }) => (hop > 0 ? request : { ...request, url: new URL(request.url.pathname, server) }),
  })
}
`

const command = `
import { BaseCommand, Flags, flagsFor, openEngine } from 'kiss/plugin'

export default class Count extends BaseCommand {
  static summary = 'count entries'
  static flags = { ...flagsFor(['cache-dir']), fail: Flags.integer() }
  async run() {
    const { flags } = await this.parse(Count)
    await this.settings(flags)
    if (flags.fail) this.error('it failed as asked', { exit: flags.fail })
    const engine = await openEngine(this)
    try {
      let entries = 0
      for await (const entry of engine.list()) entries += entry.url === '' ? 0 : 1
      this.log('entries: ' + entries)
      return { entries }
    } finally {
      await engine.close()
    }
  }
}
`

export interface PluginFiles {
  readonly [file: string]: string | undefined
}

/** Writes it into `folder`; `files` replaces or, where undefined, leaves out. */
export function writePlugin(folder: string, files: PluginFiles = {}): void {
  const own = { 'package.json': JSON.stringify(packageJson), 'provider.js': provider, 'commands/mem/count.js': command }
  const all: PluginFiles = { 'oclif.manifest.json': manifestOf({ ...own, ...files }), ...own, ...files }
  for (const [file, text] of Object.entries(all)) {
    if (text === undefined) continue
    const place = path.join(folder, file)
    mkdirSync(path.dirname(place), { recursive: true })
    writeFileSync(place, text)
  }
}

/** What `oclif manifest` writes of the commands among the files, as far as kiss reads it. */
function manifestOf(files: PluginFiles): string {
  const paths = Object.keys(files).filter((file) => file.startsWith('commands/'))
  const commands = paths.map((file) => {
    const relativePath = file.split('/')
    const id = relativePath.slice(1).join(':').replace('.js', '')
    const lists = { aliases: [], hiddenAliases: [], args: {}, flags: {} }
    return [
      id,
      { id, ...lists, enableJsonFlag: true, isESM: true, relativePath, pluginName: packageJson.name },
    ] as const
  })
  return JSON.stringify({ version: packageJson.version, commands: Object.fromEntries(commands) })
}

/** Its package.json with other fields. */
export function pluginPackage(fields: object): string {
  return JSON.stringify({ ...packageJson, ...fields })
}
