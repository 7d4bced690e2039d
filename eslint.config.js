// The layers of the architecture and the homes of the libraries, as rules. Dependencies run one way:
// commands, cli → server → engine → cluster → flight → store, upstream → http, provider/types, errors, units.
import tseslint from 'typescript-eslint'

/** Each layer, and what it may import of the others. */
const layers = {
  http: [],
  provider: ['http'],
  store: ['http'],
  upstream: ['http', 'provider'],
  flight: ['http', 'provider', 'store', 'upstream'],
  cluster: ['http', 'store', 'upstream', 'flight'],
  engine: ['http', 'provider', 'store', 'upstream', 'flight', 'cluster'],
  server: ['http', 'provider', 'store', 'engine'],
  cli: ['http', 'provider', 'store', 'upstream', 'engine', 'server'],
  commands: ['http', 'provider', 'store', 'engine', 'server', 'cli'],
}

/** Each library has one home; everything else asks the home. `.` is src itself. */
const homes = {
  undici: ['upstream'],
  keyv: ['store'],
  '@keyv/sqlite': ['store'],
  yauzl: ['store'],
  '@redis/client': ['cluster'],
  'cli-progress': ['cli'],
  'fastest-levenshtein': ['cli'],
  '@oclif/core': ['commands', 'cli', '.'],
}

const restrictedTo = (layer, forbidden) => ({
  '@typescript-eslint/no-restricted-imports': [
    'error',
    {
      paths: Object.entries(homes)
        .filter(([, allowed]) => !allowed.includes(layer))
        .map(([name, allowed]) => ({
          name,
          message: `It lives in ${allowed.join(', ')}.`,
          allowTypeImports: name === '@oclif/core',
        })),
      patterns: forbidden.map((other) => ({
        group: [`../${other}/*`, `../**/${other}/*`],
        message: `${layer} lies below ${other}: dependencies run one way.`,
      })),
    },
  ],
})

const layerRules = [
  { files: ['src/*.ts'], rules: restrictedTo('.', []) },
  ...Object.entries(layers).map(([layer, allowed]) => ({
    files: [`src/${layer}/**/*.ts`],
    rules: restrictedTo(
      layer,
      Object.keys(layers).filter((other) => other !== layer && !allowed.includes(other)),
    ),
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
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  ...layerRules,
  {
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
)
