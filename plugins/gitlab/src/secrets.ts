/** Which query parameters of GitLab are credentials, and how they are told from the rest of a query. */

/**
 * `private_token`, `job_token` and `access_token` open the API; `token` is a runner's, or the one for static objects;
 * `feed_token` and `rss_token` open feeds. They identify the client, never the resource.
 */
const secretNames = new Set([
  'private_token',
  'job_token',
  'access_token',
  'oauth_token',
  'deploy_token',
  'token',
  'feed_token',
  'rss_token',
])

/** Also true for a spelling that GitLab would not take (`Private-Token`, `token[]`): it is a secret all the same. */
export function isSecretName(name: string): boolean {
  return secretNames.has(name.toLowerCase().replace(/\[.*$/, '').replaceAll('-', '_'))
}

export interface Query {
  /** Name and value, decoded, in the order of the URL. */
  readonly plain: readonly (readonly [string, string])[]
  readonly secret: readonly (readonly [string, string])[]
}

export function splitQuery(url: URL): Query {
  const pairs = [...url.searchParams]
  return {
    plain: pairs.filter(([name]) => !isSecretName(name)),
    secret: pairs.filter(([name]) => isSecretName(name)),
  }
}

/** The query with `?` and without its secrets, every other byte as it was written. */
export function searchWithoutSecrets(url: URL): string {
  const kept = url.search
    .slice(1)
    .split('&')
    .filter((part) => ![...new URLSearchParams(part)].some(([name]) => isSecretName(name)))
    .join('&')
  return kept === '' ? '' : `?${kept}`
}
