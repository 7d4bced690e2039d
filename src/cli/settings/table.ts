/** Every setting of kiss, once: its name is the flag, the key in the file and, as `KISS_NAME`, the environment variable. */

import type { Price } from '../../units.js'

/** The type of a setting. Values of `list` kinds are separated by commas; several flags add up. */
export type Kind =
  | 'string'
  | 'boolean'
  | 'integer'
  | 'price'
  | 'size'
  | 'duration'
  /** Resolved against the working directory, or against the folder of the configuration file. */
  | 'path'
  | 'url'
  | 'sha256'
  | 'header'
  | 'cidr'
  /** A host (`*.example.com`, with an optional port), an address or a CIDR. */
  | 'destination'
  | 'list'

export interface Setting {
  readonly kind: Kind
  readonly summary: string
  readonly many?: true
  /** As it would be written. */
  readonly default?: string
  readonly char?: 'q' | 'v' | 'u' | 'n' | 'J' | 'H' | 'd' | 'i' | 'o' | 'y'
  /** Another name of the flag. */
  readonly alias?: string
  /** The placeholder in help texts. */
  readonly placeholder?: string
  readonly options?: readonly string[]
  /** Accepted words beside values of the kind. */
  readonly words?: readonly string[]
  readonly min?: number
  readonly max?: number
  /** Its value is never shown. */
  readonly secret?: true
  /** `flag`: belongs to one call, so it is refused in the environment and the file. `no flag`: only there. */
  readonly only?: 'flag' | 'flag and environment' | 'no flag'
  /** Has a flag `--no-…` too, which overrides the file. */
  readonly negatable?: true
}

export const settingsTable = {
  // Everywhere
  'cache-dir': { kind: 'path', summary: 'directory of the cache', placeholder: 'DIR' },
  config: { kind: 'path', summary: 'the configuration file', placeholder: 'FILE', only: 'flag and environment' },
  plugins: { kind: 'list', many: true, summary: 'third-party plugins: folders or packages', only: 'no flag' },
  server: {
    kind: 'url',
    many: true,
    summary: 'use the kiss server at this address instead of the local cache; fetch takes several',
    placeholder: 'URL',
  },
  parent: {
    kind: 'url',
    many: true,
    summary: 'ask the kiss server at this address before mirrors and origin',
    placeholder: 'URL',
  },
  'parent-only': { kind: 'boolean', summary: 'ask no origin; fail if no parent has the artifact' },
  'parent-token-file': { kind: 'path', summary: 'file with the token for the parents', placeholder: 'FILE' },
  'no-fallback': { kind: 'boolean', summary: 'ask no origin if no server can be reached; exit 4' },
  'server-token-file': { kind: 'path', summary: 'file with the token for this server', placeholder: 'FILE' },

  // kiss fetch
  output: { kind: 'string', char: 'o', summary: 'write to this file; - is standard output', placeholder: 'FILE' },
  directory: { kind: 'path', char: 'd', summary: 'save in this directory; create it if needed', placeholder: 'DIR' },
  path: { kind: 'boolean', summary: 'print the paths of the cached files, copy nothing' },
  ttl: { kind: 'duration', summary: 'lifetime of a new entry, and maximum age of a stored one', placeholder: '10d' },
  refresh: { kind: 'boolean', summary: 'validate with the origin at any age', negatable: true },
  offline: { kind: 'boolean', summary: 'never contact an origin', negatable: true },
  header: {
    kind: 'header',
    char: 'H',
    many: true,
    secret: true,
    summary: "pass a header to the origin ('Name: value', or @FILE with one a line)",
    placeholder: 'HEADER',
  },
  user: {
    kind: 'string',
    char: 'u',
    secret: true,
    only: 'flag',
    summary: 'send this name and password to the host of each URL; ~/.netrc is safer',
    placeholder: 'NAME:PASSWORD',
  },
  netrc: {
    kind: 'boolean',
    char: 'n',
    default: 'true',
    negatable: true,
    summary: 'read logins from ~/.netrc or the file in NETRC, each for its host alone',
  },
  sha256: { kind: 'sha256', summary: 'fail unless the content has this SHA-256', placeholder: 'HEX' },
  input: {
    kind: 'string',
    char: 'i',
    summary: 'read URLs from this file, one a line, optionally with a tab and a file name; - is standard input',
    placeholder: 'FILE',
  },
  parallel: { kind: 'integer', min: 1, max: 256, default: '4', summary: 'concurrent downloads', placeholder: 'N' },
  'max-time': { kind: 'duration', summary: 'give up after this long', placeholder: '10m' },
  'remote-header-name': {
    kind: 'boolean',
    char: 'J',
    summary: 'save under the name that the origin gives in Content-Disposition; replaces no file',
  },
  'no-clobber': { kind: 'boolean', summary: 'keep existing files, and download nothing for them' },
  'output-mtime': { kind: 'boolean', summary: 'date files by Last-Modified instead of now' },
  verbose: {
    kind: 'boolean',
    char: 'v',
    summary: 'show each request, redirect, attempt and decision on standard error, without credentials',
  },
  quiet: { kind: 'boolean', char: 'q', summary: 'show errors only' },
  'no-progress': { kind: 'boolean', summary: 'no progress bars' },

  // The cache
  quota: { kind: 'size', summary: 'maximum size of the cache; 0 is none', placeholder: '100GiB' },
  'default-ttl': { kind: 'duration', default: '10d', summary: 'lifetime of artifacts that are stored without a ttl' },
  'max-ttl': { kind: 'duration', default: '90d', summary: 'longest lifetime that a client may ask for' },
  'stale-if-error': { kind: 'duration', default: '1d', summary: 'how long to serve stale while the origin is down' },
  'auth-ttl': { kind: 'duration', default: '5m', summary: 'how long an accepted credential is remembered' },

  // Upstream
  'retry-for': { kind: 'duration', default: '10m', summary: 'give up after this long without a byte' },
  'stall-timeout': { kind: 'duration', default: '60s', summary: 'repeat an attempt after this long without a byte' },
  'ca-file': {
    kind: 'path',
    words: ['system'],
    alias: 'cacert',
    summary: 'certificates (PEM) to trust beside the usual ones; "system": those of the operating system',
    placeholder: 'FILE',
  },
  'max-downloads': { kind: 'integer', min: 1, default: '64', summary: 'concurrent downloads, in total' },
  'max-downloads-per-host': { kind: 'integer', min: 1, default: '8', summary: 'concurrent downloads from one host' },
  'connections-per-download': {
    kind: 'integer',
    min: 1,
    max: 64,
    default: '8',
    summary: 'maximum connections of one large download',
    placeholder: 'N',
  },
  'segment-memory': {
    kind: 'size',
    default: '256MiB',
    summary: 'memory for ranges that wait for the bytes before them, over all downloads',
  },
  'max-rate': {
    kind: 'size',
    alias: 'limit-rate',
    summary: 'maximum bytes a second over all downloads; 0 is none (also --limit-rate)',
    placeholder: '500MB',
  },
  'pass-headers': {
    kind: 'list',
    many: true,
    default: 'authorization,private-token,job-token,authentication',
    summary: 'headers that clients may pass to origins',
  },
  'allow-upstream': { kind: 'destination', many: true, summary: 'also connect to this private host, address or CIDR' },
  'deny-upstream': { kind: 'destination', many: true, summary: 'never connect to this host, address or CIDR' },

  // kiss serve
  host: { kind: 'string', default: '127.0.0.1', summary: 'address to listen on', placeholder: 'ADDRESS' },
  port: { kind: 'integer', min: 0, max: 65535, default: '8001', summary: 'port to listen on; 0 takes a free one' },
  workers: { kind: 'integer', min: 1, max: 256, default: '1', summary: 'number of server processes' },
  sealed: { kind: 'boolean', summary: 'never contact an origin; answer 404 without an entry' },
  'drain-timeout': { kind: 'duration', default: '30s', summary: 'time for readers to finish after SIGTERM' },
  'log-level': {
    kind: 'string',
    default: 'info',
    placeholder: 'LEVEL',
    options: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    summary: 'minimum level of log lines',
  },
  'allow-client': { kind: 'cidr', many: true, summary: 'serve these clients only' },
  'trust-proxy': { kind: 'cidr', many: true, summary: 'believe X-Forwarded-For of these proxies' },
  'x-accel-redirect': {
    kind: 'string',
    summary: 'let a proxying nginx send hits from this internal location',
    placeholder: '/kiss-blobs/',
  },
  'tls-cert': { kind: 'path', summary: 'certificate chain (PEM)', placeholder: 'FILE' },
  'tls-key': { kind: 'path', summary: 'private key (PEM)', placeholder: 'FILE' },
  'server-name': {
    kind: 'list',
    many: true,
    summary: 'a name that clients may use for this server',
    placeholder: 'NAME',
  },
  'admin-token-file': {
    kind: 'path',
    summary: 'file with the token that allows purging over HTTP',
    placeholder: 'FILE',
  },
  'client-token-file': { kind: 'path', summary: 'file with the token that clients must show', placeholder: 'FILE' },
  cluster: {
    kind: 'string',
    secret: true,
    summary: 'share downloads with the other nodes that name this Redis (redis://, rediss://, redis+sentinel://)',
    placeholder: 'URL',
  },
  'cluster-name': { kind: 'string', default: 'kiss', summary: 'nodes of one name form a cluster', placeholder: 'NAME' },
  'node-url': { kind: 'url', summary: 'URL of this node for the other nodes', placeholder: 'URL' },
  copies: { kind: 'integer', min: 1, max: 16, default: '1', summary: 'nodes that get each download', placeholder: 'N' },
  'cluster-token-file': { kind: 'path', summary: 'file with the token that the nodes share', placeholder: 'FILE' },
  check: { kind: 'boolean', summary: 'check every setting and exit', only: 'flag' },
  'print-config': { kind: 'boolean', summary: 'print every setting with its source and exit', only: 'flag' },

  // kiss list, purge, verify, stats
  all: { kind: 'boolean', summary: 'everything', only: 'flag' },
  stale: { kind: 'boolean', summary: 'entries that are no longer fresh', only: 'flag' },
  'older-than': { kind: 'duration', summary: 'entries stored longer ago than this', placeholder: '30d', only: 'flag' },
  'unused-for': { kind: 'duration', summary: 'entries not used for this long', placeholder: '7d', only: 'flag' },
  match: {
    kind: 'string',
    summary: 'entries whose URL without query matches; * stops at /, ** does not',
    placeholder: 'GLOB',
    only: 'flag',
  },
  'larger-than': { kind: 'size', summary: 'entries larger than this', placeholder: '1GiB', only: 'flag' },
  'set-quota': {
    kind: 'size',
    summary: 'set the quota of the cache directory and evict down to it; 0 is none',
    placeholder: '100GiB',
    only: 'flag',
  },
  'dry-run': { kind: 'boolean', summary: 'show what would be removed, and remove nothing' },
  yes: { kind: 'boolean', char: 'y', summary: 'do not ask', only: 'flag' },
  job: {
    kind: 'path',
    many: true,
    summary: 'the downloads of this LAVA job',
    placeholder: 'JOB.yaml',
    only: 'flag',
  },
  until: { kind: 'duration', summary: 'duration; default: until kiss unpin', placeholder: '30d', only: 'flag' },
  pin: { kind: 'boolean', summary: 'pin the entries: neither the quota nor a filter removes them', only: 'flag' },
  rebuild: { kind: 'boolean', summary: 'rebuild the index from the files beside the blobs' },
  sort: {
    placeholder: 'ORDER',
    kind: 'string',
    options: ['url', 'size', 'age', 'used', 'hits'],
    default: 'url',
    summary: 'order of the list',
  },
  reverse: { kind: 'boolean', summary: 'reverse the order' },
  watch: { kind: 'boolean', summary: 'refresh every two seconds' },
  'egress-price': {
    kind: 'price',
    summary: 'price of a GB from the origins with its currency, to show savings',
    placeholder: '"0.09 USD"',
  },
} as const satisfies Record<string, Setting>

export type SettingName = keyof typeof settingsTable

type KindOf<Name extends SettingName> = (typeof settingsTable)[Name]['kind']
type One<K extends Kind> = K extends 'boolean'
  ? boolean
  : K extends 'integer' | 'size' | 'duration'
    ? number
    : K extends 'price'
      ? Price
      : K extends 'url'
        ? URL
        : string

/** The type of a setting's value: bytes of a size, milliseconds of a duration. */
export type SettingValue<Name extends SettingName> = (typeof settingsTable)[Name] extends { many: true }
  ? readonly One<KindOf<Name>>[]
  : KindOf<Name> extends 'boolean'
    ? boolean
    : (typeof settingsTable)[Name] extends { default: string }
      ? One<KindOf<Name>>
      : One<KindOf<Name>> | undefined

export type SettingValues = { readonly [Name in SettingName]: SettingValue<Name> }

export const settingNames = Object.keys(settingsTable) as SettingName[]

/** The table without the literal types. */
export function settingOf(name: SettingName): Setting {
  return settingsTable[name]
}

/** `--cache-dir` is `KISS_CACHE_DIR`. */
export function environmentName(name: SettingName): string {
  return `KISS_${name.toUpperCase().replaceAll('-', '_')}`
}
