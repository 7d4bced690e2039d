/** Redis Sentinel: processes that agree on the master. They are asked at the start and after each failure. */

import { createClient } from '@redis/client'
import { SENTINEL_URL } from '../flight/cluster.js'
import { alarm } from './alarm.js'

/** Milliseconds to wait for one Sentinel before the next one is asked. */
const DEADLINE = 500

export interface Sentinels {
  /** The name of the master in the configuration of the Sentinels. */
  readonly name: string
  /** URLs of the Sentinels. */
  readonly urls: readonly string[]
  /** The URL of a master without its address: scheme and credential. */
  readonly before: string
}

/** undefined for the URL of a single Redis. */
export function sentinelsOf(url: string): Sentinels | undefined {
  const [, scheme = '', credential = '', hosts = '', name = ''] = SENTINEL_URL.exec(url) ?? []
  if (name === '') return undefined
  return { name, urls: hosts.split(',').map((host) => `${scheme}://${host}`), before: `${scheme}://${credential}` }
}

/** Returns the URL of the master as the first Sentinel that knows it reports it. @throws Error if no Sentinel knows it */
export async function masterOf({ name, urls, before }: Sentinels, ca: string | undefined): Promise<string> {
  for (const url of urls) {
    const address = await ask(url, name, ca).catch(() => undefined)
    if (address) return `${before}${address}`
  }
  throw new Error(`no Sentinel knows the master ${name}`)
}

async function ask(url: string, name: string, ca: string | undefined): Promise<string | undefined> {
  // The default port of a Sentinel differs from that of a Redis.
  const withPort = /:\d+$/.test(url) ? url : `${url}:26379`
  const socket = { connectTimeout: DEADLINE, reconnectStrategy: false as const, ...tlsOf(url, ca) }
  const client = createClient({ url: withPort, socket })
  client.on('error', () => undefined)
  const stop = alarm(DEADLINE, () => client.destroy())
  try {
    await client.connect()
    const reply: unknown = await client.sendCommand(['SENTINEL', 'get-master-addr-by-name', name])
    const [host, port] = (reply ?? []) as [string?, string?]
    if (host === undefined || port === undefined) return undefined
    return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  } finally {
    stop()
    if (client.isOpen) client.destroy()
  }
}

/** Options for TLS with these authorities (PEM), which are also those of other servers: nothing for a URL without TLS. */
export function tlsOf(url: string, ca: string | undefined): { readonly tls?: true; readonly ca?: string } {
  return ca === undefined || !url.startsWith('rediss:') ? {} : { tls: true, ca }
}
