/** One GitHub as a place: the base URLs of its pages, its API and its raw files. Pure. */

export interface Place {
  /** `https://github.com`, without a slash at the end. */
  readonly web: string
  /** `https://api.github.com`, or `/api/v3` of an Enterprise server. */
  readonly api: string
  /** `https://raw.githubusercontent.com`; undefined where raw files are pages of `web`. */
  readonly raw: string | undefined
  /** `https://codeload.github.com`; undefined where archives are pages of `web` alone. */
  readonly codeload: string | undefined
  /** The host, for people. */
  readonly label: string
}

export const githubCom: Place = {
  web: 'https://github.com',
  api: 'https://api.github.com',
  raw: 'https://raw.githubusercontent.com',
  codeload: 'https://codeload.github.com',
  label: 'github.com',
}

/**
 * Reads a host as people write it: with or without scheme and port; without a scheme it is https. undefined where it is
 * no host, or carries userinfo, a path, a query or a fragment.
 * @param api the base URL of the API, where it is not the one that follows from the host
 */
export function placeOf(host: string, api?: string): Place | undefined {
  const web = originOf(host)
  if (web === undefined) return undefined
  const { hostname } = web
  if (/^(www\.)?github\.com$/.test(hostname) && web.protocol === 'https:') return githubCom
  const label = web.origin.replace(/^https:\/\//, '')
  // https://docs.github.com/enterprise-cloud: tenants below ghe.com have their API at api.TENANT.ghe.com.
  const tenant = hostname.endsWith('.ghe.com') ? `${web.protocol}//api.${web.host}` : `${web.origin}/api/v3`
  const base = api === undefined ? tenant : apiBase(api)
  if (base === undefined) return undefined
  return { web: web.origin, api: base, raw: undefined, codeload: undefined, label }
}

/** The URL of an API as people write it, in the form of all URLs below it: lower case, without the port of the scheme. */
export function apiBase(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const { protocol, origin, pathname, username, password, search, hash } = new URL(text)
  const isBare = [username, password, search, hash].every((part) => part === '')
  return isBare && /^https?:$/.test(protocol) ? `${origin}${pathname.replace(/\/+$/, '')}` : undefined
}

function originOf(host: string): URL | undefined {
  const text = host.trim()
  const written = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`
  if (!URL.canParse(written)) return undefined
  const url = new URL(written)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined
  const bare = url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  return bare && url.pathname === '/' ? url : undefined
}

/** The encoded path below a base URL, without a slash in front; undefined for a URL elsewhere. */
export function pathBelow(base: string, url: URL): string | undefined {
  const whole = `${url.origin}${url.pathname}`
  return whole.startsWith(`${base}/`) ? whole.slice(base.length + 1) : undefined
}
