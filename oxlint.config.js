// The layers of the architecture, the homes of the libraries, and the rules of typescript-eslint's `strict-type-checked`.
// Dependencies run one way: commands, cli → server → engine → cluster → flight → store, upstream → http, provider/types, errors, units.

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
  'typescript/no-restricted-imports': [
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
        group: [`../${other}/**`, `../**/${other}/**`],
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

// Only TypeScript is linted. The rule `no-unsafe-class-instance-assignment` of strict-type-checked is missing in oxlint 1.94.
export default {
  plugins: ['typescript'],
  categories: { correctness: 'off' },
  options: { typeAware: true },
  ignorePatterns: ['**/*.js', '**/dist/', 'node_modules/', 'coverage/', 'test/data/'],
  rules: {
    'no-var': 'error',
    'prefer-const': [
      'error',
      {
        destructuring: 'any',
        ignoreReadBeforeAssign: false,
      },
    ],
    'prefer-rest-params': 'error',
    'prefer-spread': 'error',
    'typescript/await-thenable': 'error',
    'typescript/ban-ts-comment': [
      'error',
      {
        minimumDescriptionLength: 10,
      },
    ],
    'typescript/no-array-constructor': 'error',
    'typescript/no-array-delete': 'error',
    'typescript/no-base-to-string': 'error',
    'typescript/no-deprecated': 'error',
    'typescript/no-duplicate-enum-values': 'error',
    'typescript/no-duplicate-type-constituents': 'error',
    'typescript/no-dynamic-delete': 'error',
    'typescript/no-empty-object-type': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-extra-non-null-assertion': 'error',
    'typescript/no-extraneous-class': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-for-in-array': 'error',
    'typescript/no-generated-empty-object-type': 'error',
    'typescript/no-implied-eval': 'error',
    'typescript/no-invalid-void-type': 'error',
    'typescript/no-meaningless-void-operator': 'error',
    'typescript/no-misused-new': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/no-misused-spread': 'error',
    'typescript/no-mixed-enums': 'error',
    'typescript/no-namespace': 'error',
    'typescript/no-non-null-asserted-nullish-coalescing': 'error',
    'typescript/no-non-null-asserted-optional-chain': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/no-redundant-type-constituents': 'error',
    'typescript/no-require-imports': 'error',
    'typescript/no-this-alias': 'error',
    'typescript/no-unnecessary-boolean-literal-compare': 'error',
    'typescript/no-unnecessary-condition': 'error',
    'typescript/no-unnecessary-template-expression': 'error',
    'typescript/no-unnecessary-type-arguments': 'error',
    'typescript/no-unnecessary-type-assertion': 'error',
    'typescript/no-unnecessary-type-constraint': 'error',
    'typescript/no-unnecessary-type-conversion': 'error',
    'typescript/no-unnecessary-type-parameters': 'error',
    'typescript/no-unsafe-argument': 'error',
    'typescript/no-unsafe-assignment': 'error',
    'typescript/no-unsafe-call': 'error',
    'typescript/no-unsafe-declaration-merging': 'error',
    'typescript/no-unsafe-enum-assignment': 'error',
    'typescript/no-unsafe-enum-comparison': 'error',
    'typescript/no-unsafe-function-type': 'error',
    'typescript/no-unsafe-member-access': 'error',
    'typescript/no-unsafe-return': 'error',
    'typescript/no-unsafe-unary-minus': 'error',
    'typescript/no-unused-expressions': [
      'error',
      {
        allowShortCircuit: false,
        allowTaggedTemplates: false,
        allowTernary: false,
      },
    ],
    'typescript/no-unused-vars': ['error', { argsIgnorePattern: '^$', varsIgnorePattern: '^$' }],
    'typescript/no-useless-constructor': 'error',
    'typescript/no-useless-default-assignment': 'error',
    'typescript/no-wrapper-object-types': 'error',
    'typescript/only-throw-error': 'error',
    'typescript/prefer-as-const': 'error',
    'typescript/prefer-literal-enum-member': 'error',
    'typescript/prefer-namespace-keyword': 'error',
    'typescript/prefer-promise-reject-errors': 'error',
    'typescript/prefer-reduce-type-parameter': 'error',
    'typescript/prefer-return-this-type': 'error',
    'typescript/related-getter-setter-pairs': 'error',
    'typescript/restrict-plus-operands': [
      'error',
      {
        allowAny: false,
        allowBoolean: false,
        allowNullish: false,
        allowNumberAndString: false,
        allowRegExp: false,
      },
    ],
    'typescript/restrict-template-expressions': [
      'error',
      {
        allowNumber: true,
      },
    ],
    'typescript/return-await': ['error', 'error-handling-correctness-only'],
    'typescript/triple-slash-reference': 'error',
    'typescript/unbound-method': 'error',
    'typescript/unified-signatures': 'error',
    'typescript/use-unknown-in-catch-callback-variable': 'error',
  },
  overrides: [...layerRules, { files: ['test/**/*.ts'], rules: { 'typescript/no-non-null-assertion': 'off' } }],
}
