// The layers of the architecture and the homes of the libraries, as rules. Dependencies run one way:
// commands, cli → server → engine → store, upstream → http, provider/types, errors, units.
import { createNodeResolver, importX } from 'eslint-plugin-import-x'
import tseslint from 'typescript-eslint'

const below = {
  http: [],
  provider: ['http'],
  store: ['http'],
  upstream: ['http', 'provider'],
  engine: ['http', 'provider', 'store', 'upstream'],
  server: ['http', 'provider', 'store', 'engine'],
  cli: ['http', 'provider', 'store', 'upstream', 'engine', 'server'],
  commands: ['http', 'provider', 'store', 'engine', 'server', 'cli'],
}

const zones = Object.entries(below).flatMap(([layer, allowed]) =>
  Object.keys(below)
    .filter((other) => other !== layer && !allowed.includes(other))
    .map((other) => ({ target: `./src/${layer}`, from: `./src/${other}` })),
)

/** Each library has one home; everything else asks the home. */
const homes = {
  undici: ['src/upstream/**'],
  keyv: ['src/store/**'],
  '@keyv/sqlite': ['src/store/**'],
  'cli-progress': ['src/cli/**'],
  '@oclif/core': ['src/commands/**', 'src/cli/**', 'src/plugin.ts'],
}

const restricted = (allowed) =>
  Object.keys(homes)
    .filter((name) => !allowed.includes(name))
    .map((name) => ({ name, message: `lives in ${homes[name].join(', ')}`, allowTypeImports: name === '@oclif/core' }))

const homeRules = [
  {
    files: ['src/**/*.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { paths: restricted([]) }] },
  },
  ...[...new Set(Object.values(homes).flat())].map((files) => ({
    files: [files],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { paths: restricted(Object.keys(homes).filter((name) => homes[name].includes(files))) },
      ],
    },
  })),
]

export default tseslint.config(
  { ignores: ['**/dist/', 'node_modules/', 'coverage/', 'test/data/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: {
        project: [
          'src/tsconfig.json',
          'src/server/browser/tsconfig.json',
          'plugins/*/tsconfig.json',
          'test/tsconfig.json',
        ],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createNodeResolver({ extensionAlias: { '.js': ['.ts', '.js'] } })] },
    rules: {
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'import-x/no-restricted-paths': ['error', { zones }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  ...homeRules,
  {
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
)
