// The modules of kiss, and those of oclif, in few files: to find and open each of them takes longer than to run it. The
// compiled modules stay beside the bundle, for their types and for the tests.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { defineConfig } from 'rolldown'

/** What is loaded by its name: by bin/run.js, by oclif, by Node, through the exports of a package. */
const entries = {
  '.': ['cli/run', 'cli/not-found', 'cli/kiss-specifier', 'index', 'plugin', 'provider/contract', 'provider/kit'],
  'plugins/s3': ['index', 'providers'],
  'plugins/gitlab': ['index', 'providers'],
  'plugins/github': ['index', 'providers'],
  'plugins/lava': ['index', 'job-urls'],
}

/**
 * Libraries are loaded from where they are installed, when they are needed. Some are part of the bundle. One is needed by
 * every start. Two are small: structured fields, and mistyped words. undici and prom-client are large and needed
 * in parts: a start of the server takes 30 % less CPU time with these parts. Of that time, loading the 25 files of pino took 3 %.
 * The client of Redis has 430 files, nearly all of them commands that kiss does not send by name. @keyv/sqlite asks for sqlite3 5.
 * Where kiss is installed, no override of ours holds, and a copy of its own would be loaded: from the bundle it finds kiss's own
 * sqlite3, with which it is tested.
 */
const { dependencies, optionalDependencies } = JSON.parse(readFileSync('package.json', 'utf8'))
const bundled = ['@oclif/core', '@redis/client', 'keyv', 'pino', 'prom-client', 'structured-headers', 'undici']
const installed = Object.keys({ ...dependencies, ...optionalDependencies }).filter((name) => !bundled.includes(name))

/** What oclif does without: tools of its developers, and what compares the version of Node with its own needs. */
const unused = ['typescript', 'ts-node', 'tsx', 'pnpapi', 'semver']

// The plugins contain what they use of the kit: a provider loads nothing of kiss at run time.
const external = ['kiss-cache(?!/provider-kit)', ...installed, ...unused].map((name) => new RegExp(`^${name}(?:/|$)`))

/** What oclif requires at once and calls only where there is no manifest, and the function that it calls. */
const late = { tinyglobby: 'glob', minimatch: 'minimatch' }

/**
 * Parts of libraries in the place of the whole. prom-client loads OpenTelemetry at once and calls it only for exemplars,
 * which kiss does not use. undici has fetch, WebSocket and cookies, which touch globals that load Node's own copy of undici.
 */
const parts = {
  '@opentelemetry/api': 'export default {}',
  undici: `import api from 'undici/lib/api/index.js'
    import Dispatcher from 'undici/lib/dispatcher/dispatcher.js'
    Object.assign(Dispatcher.prototype, api)
    export { default as Agent } from 'undici/lib/dispatcher/agent.js'
    export { default as Client } from 'undici/lib/dispatcher/client.js'
    export { default as EnvHttpProxyAgent } from 'undici/lib/dispatcher/env-http-proxy-agent.js'
    export { default as Pool } from 'undici/lib/dispatcher/pool.js'
    export { default as buildConnector } from 'undici/lib/core/connect.js'
    export { default as errors } from 'undici/lib/core/errors.js'`,
  '@redis/client': `exports.createClient = require('@redis/client/dist/lib/client').default.create
    exports.ErrorReply = require('@redis/client/dist/lib/errors').ErrorReply`,
  // The commands that the client itself sends when it connects.
  'redis/commands': `exports.__esModule = true
    exports.default = {
      AUTH: require('@redis/client/dist/lib/commands/AUTH').default,
      CLIENT_SETNAME: require('@redis/client/dist/lib/commands/CLIENT_SETNAME').default,
      READONLY: require('@redis/client/dist/lib/commands/READONLY').default,
    }`,
}

const loadParts = {
  name: 'load parts',
  resolveId(name, importer = '') {
    const part = name === '../commands' && importer.includes('/@redis/client/') ? 'redis/commands' : name
    // A library has a copy of its own: a file for what two of them share would be one file more to open.
    const [library = ''] = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(importer) ?? []
    return part in parts ? path.resolve(library, `parts of ${part.replace('/', ' ')}`) : undefined
  },
  load: (id) => parts[path.basename(id).slice('parts of '.length).replace(' ', '/')],
}

const loadLate = {
  name: 'load late',
  resolveId: (name) => (name in late ? `late:${name}` : undefined),
  load(id) {
    const [, name] = /^late:(.*)/.exec(id) ?? []
    if (name === undefined) return undefined
    return `import { createRequire } from 'node:module'
      const load = () => createRequire(createRequire(import.meta.url).resolve('@oclif/core'))('${name}')
      export const ${late[name]} = (...args) => load().${late[name]}(...args)`
  },
}

/**
 * oclif requires all of its files at once; a start needs a third of them. Here each is required where it is used: a constant
 * `const x_1 = require("x")` becomes a function.
 */
const requireLate = {
  name: 'require late',
  transform: {
    filter: { id: /@oclif\/core\/lib\// },
    handler(code) {
      const names = []
      const late = code
        .replace(/^(?:const|var) (\w+_\d+) = (.*\brequire\("[^"]+"\)+);$/gm, (_, name, value) => {
          names.push(name)
          return `const ${name}_late = () => ${value};`
        })
        .replace(
          /^exports\.(\w+) = (__importStar\(require\("[^"]+"\)\));$/gm,
          'Object.defineProperty(exports, "$1", { enumerable: true, get: () => $2 });',
        )
      return names.reduce((text, name) => text.replaceAll(new RegExp(`\\b${name}\\b`, 'g'), `(${name}_late())`), late)
    },
  },
}

/** Compiled code cannot import on Node 20: bin/compiled-code.js does it. */
const imported = '(require.import ?? ((name) => import(name)))('

const commonJS = {
  name: 'CommonJS',
  generateBundle(_, bundle) {
    for (const chunk of Object.values(bundle)) {
      chunk.code = chunk.code.replaceAll(/\bimport\((?=\s*[\w("])/g, imported)
      // The name of its compiled code.
      chunk.code += `// ${createHash('sha256').update(chunk.code).digest('hex').slice(0, 16)}\n`
    }
    this.emitFile({ type: 'asset', fileName: 'package.json', source: '{ "type": "commonjs" }\n' })
  },
}

export default defineConfig(
  Object.entries(entries).map(([folder, modules]) => {
    const compiled = path.join(folder, 'dist')
    const names = [...modules, ...commandsIn(compiled)]
    return {
      input: Object.fromEntries(names.map((name) => [name, path.join(compiled, `${name}.js`)])),
      platform: 'node',
      external,
      plugins: [loadLate, loadParts, requireLate, commonJS],
      output: {
        dir: path.join(compiled, 'bundle'),
        // Node finds and loads it faster than modules: on Node 20 in a sixth less of a start.
        format: 'cjs',
        exports: 'named',
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
