/** The options of the server from settings: files with tokens, pairs that belong together. */

import { readFile } from 'node:fs/promises'
import { KissError, systemCode } from '../../errors.js'
import { SENTINEL_URL, type ClusterOptions } from '../../engine/types.js'
import type { AccessOptions } from '../../server/access.js'
import { connectionsWithin, descriptorsFor, limits } from '../../server/limits.js'
import type { TlsFiles } from '../../server/tls.js'
import type { SettingValues } from '../settings/table.js'

/** @throws KissError `configuration` for a file of tokens that cannot be read or holds none */
export async function accessOptions(values: SettingValues): Promise<AccessOptions> {
  const [adminTokens, clientTokens] = await Promise.all([
    tokensOf(values['admin-token-file'], '--admin-token-file'),
    tokensOf(values['client-token-file'], '--client-token-file'),
  ])
  return {
    allowClients: values['allow-client'],
    trustProxies: values['trust-proxy'],
    adminTokens,
    clientTokens,
  }
}

/**
 * undefined: this server stands alone.
 *
 * @throws KissError `usage` for half of the settings, `configuration` for a file of tokens that cannot be read or holds none
 */
export async function clusterOptions(values: SettingValues, version: string): Promise<ClusterOptions | undefined> {
  const { cluster, 'cluster-name': name, 'node-url': nodeUrl, 'cluster-token-file': tokenFile, copies } = values
  if (cluster === undefined) {
    if (nodeUrl !== undefined) throw new KissError('usage', '--node-url needs --cluster')
    if (tokenFile !== undefined) throw new KissError('usage', '--cluster-token-file needs --cluster')
    if (copies > 1) throw new KissError('usage', '--copies needs --cluster')
    return undefined
  }
  // The value may hold a password: it is not shown.
  if (!isRedis(cluster)) throw new KissError('usage', '--cluster: not a redis://, rediss:// or redis+sentinel:// URL')
  if (!/^[\w.-]{1,64}$/.test(name))
    throw new KissError('usage', '--cluster-name: a name has letters, digits, ".", "-" and "_", and 64 of them at most')
  if (nodeUrl === undefined) throw new KissError('usage', '--cluster needs --node-url')
  if (nodeUrl.username !== '' || nodeUrl.password !== '' || nodeUrl.search !== '' || nodeUrl.hash !== '') {
    const hint = 'Redis, all nodes and the dashboard show this URL'
    throw new KissError('usage', '--node-url: a URL without user, password, query and fragment', { hint })
  }
  if (tokenFile === undefined) throw new KissError('usage', '--cluster needs --cluster-token-file')
  const tokens = await tokensOf(tokenFile, '--cluster-token-file')
  return { redis: cluster, name, nodeUrl: nodeUrl.href, tokens, copies, caFile: values['ca-file'], version }
}

/** False also for a URL that the client of Redis refuses: the log would report an outage without end. */
function isRedis(text: string): boolean {
  if (!isDecodable(text)) return false
  if (SENTINEL_URL.test(text)) return true
  if (!URL.canParse(text)) return false
  const { protocol, hostname, pathname } = new URL(text)
  return /^rediss?:$/.test(protocol) && hostname !== '' && /^(?:\/\d*)?$/.test(pathname)
}

function isDecodable(text: string): boolean {
  try {
    return decodeURIComponent(text) !== ''
  } catch {
    return false
  }
}

/** @throws KissError `usage` for half a pair */
export function tlsFiles(values: SettingValues): TlsFiles | undefined {
  const { 'tls-cert': certFile, 'tls-key': keyFile } = values
  if (certFile === undefined && keyFile === undefined) return undefined
  if (certFile === undefined) throw new KissError('usage', '--tls-key needs --tls-cert')
  if (keyFile === undefined) throw new KissError('usage', '--tls-cert needs --tls-key')
  return { certFile, keyFile }
}

/** One token a line, so that an old and a new token are valid during a change. An empty file is refused: it would admit every client. */
async function tokensOf(file: string | undefined, flag: string): Promise<string[]> {
  if (file === undefined) return []
  let text
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new KissError('configuration', `${flag}: cannot read ${file}: ${systemCode(error) ?? String(error)}`, {
      cause: error,
    })
  }
  const tokens = text.split(/\r?\n/).map((line) => line.trim())
  const present = tokens.filter((token) => token !== '')
  if (present.length === 0) throw new KissError('configuration', `${flag}: ${file} holds no token`)
  if (present.some((token) => token.length < SHORTEST_TOKEN)) {
    throw new KissError('configuration', `${flag}: a token in ${file} has fewer than ${SHORTEST_TOKEN} characters`, {
      hint: 'make one with: openssl rand -hex 16',
    })
  }
  return present
}

/** Characters: shorter tokens can be guessed by many requests. */
const SHORTEST_TOKEN = 16

/** The warning for a server that every client in the network may use; undefined on loopback, or with access rules. */
export function exposureOf(
  { host, ...values }: SettingValues,
  { clientTokens = [] }: AccessOptions,
): string | undefined {
  const isLocal = host === 'localhost' || host === '::1' || host.startsWith('127.')
  if (isLocal || clientTokens.length > 0 || values['allow-client'].length > 0) return undefined
  return `every client that reaches ${host} may use this server; see --allow-client and --client-token-file`
}

/** Connections per download: its first client, and a few that join it. */
const PER_DOWNLOAD = 4

/** The maximum connections of this process, with a warning if the settings need more. */
export async function connectionLimit({
  'max-downloads': downloads,
}: SettingValues): Promise<{ readonly connections: number; readonly shortage?: string }> {
  const descriptors = await descriptorLimit()
  const connections = connectionsWithin(descriptors)
  const needed = Math.min(limits.connections, downloads * PER_DOWNLOAD)
  if (connections >= needed) return { connections }
  const room = `leaves room for ${connections} connections at once, and ${downloads} downloads need ${needed}`
  const cure = `raise it to ${descriptorsFor(needed)} (ulimit -n, LimitNOFILE= of systemd)`
  return { connections, shortage: `the limit of ${descriptors} open files ${room}; ${cure}` }
}

/** The limit of open files of this process; Infinity without proc(5). */
async function descriptorLimit(): Promise<number> {
  const text = await readFile('/proc/self/limits', 'latin1').catch(() => '')
  const soft = /^Max open files\s+(\d+)/m.exec(text)?.[1]
  return soft === undefined ? Infinity : Number(soft)
}
