// The modules of kiss, and those of oclif, in few files: to find and open each of them takes longer than to run it. The
// compiled modules stay beside the bundle, for their types and for the tests.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { defineConfig } from 'rolldown'

/** What is loaded by its name: by bin/run.js, by oclif, by Node, through the exports of a package. */
const entries = {
  '.': ['cli/run', 'cli/not-found', 'cli/kiss-specifier', 'index', 'plugin', 'provider/contract'],
  'plugins/s3': ['index', 'providers'],
  'plugins/gitlab': ['index', 'providers'],
  'plugins/lava': ['index'],
}

/** Libraries are loaded from where they are installed, when they are needed; all but the one that every start needs. */
const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'))
const installed = Object.keys(dependencies).filter((name) => name !== '@oclif/core')

/** What oclif looks for in development only. */
const absent = ['typescript', 'ts-node', 'tsx', 'pnpapi']

const external = ['kiss', ...installed, ...absent].map((name) => new RegExp(`^${name}(?:/|$)`))

export default defineConfig(
  Object.entries(entries).map(([folder, modules]) => {
    const compiled = path.join(folder, 'dist')
    const names = [...modules, ...commandsIn(compiled)]
    return {
      input: Object.fromEntries(names.map((name) => [name, path.join(compiled, `${name}.js`)])),
      platform: 'node',
      external,
      output: {
        dir: path.join(compiled, 'bundle'),
        chunkFileNames: 'chunks/[name].js',
        cleanDir: true,
        // What several of them share goes in one file, not in one for each way of sharing.
        codeSplitting: { groups: [{ name: 'common', minShareCount: 3 }] },
      },
    }
  }),
)

function commandsIn(compiled) {
  return readdirSync(path.join(compiled, 'commands'), { recursive: true })
    .filter((file) => file.endsWith('.js'))
    .map((file) => path.join('commands', file.slice(0, -'.js'.length)))
}
