/** One GitLab instance as a place: its base URL (an origin, maybe with a sub-path), and what lies below it. */

export interface Instance {
  /** Without a slash at the end: `https://gitlab.example.com`, `https://example.com:8443/gitlab`. */
  readonly base: string
  /** The base for people: without `https://`. */
  readonly label: string
}

/**
 * Reads a host as people write it: with or without scheme, port, sub-path, `/api/v4`. Without a scheme it is https.
 * undefined where it is no host, or carries userinfo, a query or a fragment.
 */
export function instanceOf(host: string): Instance | undefined {
  const text = host.trim()
  const written = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`
  if (!URL.canParse(written)) return undefined
  const url = new URL(written)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return undefined
  const path = url.pathname.replace(/\/+$/, '').replace(/\/api\/v4$/, '')
  const base = `${url.origin}${path}`
  return { base, label: base.replace(/^https:\/\//, '') }
}

/** The encoded path below the instance, without a slash in front; undefined for a URL that is not the instance's. */
export function pathBelow(instance: Instance, url: URL): string | undefined {
  const whole = `${url.origin}${url.pathname}`
  if (whole === instance.base) return ''
  return whole.startsWith(`${instance.base}/`) ? whole.slice(instance.base.length + 1) : undefined
}
