/** The proxies that the environment names. Pure. */

import { KissError } from '../errors.js'
import { contains, parseAddress } from '../http/addresses.js'

export type Environment = Readonly<Record<string, string | undefined>>

/** @throws KissError `configuration` for the first variable that names no proxy of ours */
export function checkProxies(env: Environment): void {
  for (const name of ['all_proxy', 'http_proxy', 'https_proxy']) proxyIn(env, name)
}

/** Is the host an address within one of NO_PROXY's CIDRs? undici compares names and suffixes. */
export function isInNoProxy(hostname: string, env: Environment): boolean {
  const address = parseAddress(hostname.replace(/^\[(.*)\]$/, '$1'))
  if (address === undefined) return false
  const listed = (env['no_proxy'] ?? env['NO_PROXY'] ?? '').split(/[\s,]+/)
  return listed.some((text) => {
    const [base = '', bits = ''] = text.split('/')
    const network = /^\d{1,3}$/.test(bits) ? parseAddress(base) : undefined
    return network !== undefined && contains({ ...network, bits: Number(bits) }, address)
  })
}

/** The proxy's URL, '' for none. Throws KissError `configuration`, without the value, which may hold a password. */
export function proxyIn(env: Environment, name: string): string {
  const value = env[name] ?? env[name.toUpperCase()] ?? ''
  const url = value === '' || value.includes('://') ? value : `http://${value}`
  if (url === '' || (URL.canParse(url) && /^https?:/i.test(url))) return url
  if (/^socks/i.test(url)) {
    throw new KissError('configuration', `${name.toUpperCase()} names a SOCKS proxy, which kiss does not speak`, {
      hint: 'name an http or https proxy, or unset it for kiss',
    })
  }
  throw new KissError('configuration', `${name.toUpperCase()} is not the URL of an http or https proxy`)
}
