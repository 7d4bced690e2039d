/** The Cache-Status field of our answers, RFC 9211: one member, `kiss`, as a structured field (RFC 9651). Pure. */

export interface CacheStatus {
  /** Served from the store, without going to the origin for its bytes. */
  readonly hit?: boolean
  /** Why it went to the origin. */
  readonly fwd?: 'uri-miss' | 'vary-miss' | 'request' | 'bypass' | 'stale' | 'partial'
  readonly fwdStatus?: number
  /** The answer will be in the store. */
  readonly stored?: boolean
  /** Joined a transfer that another request had started. */
  readonly collapsed?: boolean
  /** Seconds of freshness left; negative: stale for so long. */
  readonly ttl?: number
  readonly detail?: string
}

/** A token of RFC 9651 §3.3.4, or a string. */
function bareItem(text: string): string {
  return /^[A-Za-z*][A-Za-z0-9!#$%&'*+\-.^_`|~:/]*$/.test(text)
    ? text
    : `"${text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`
}

/** `kiss; fwd=uri-miss; fwd-status=200; stored` and the like, parameters in the order of RFC 9211 §2. */
export function formatCacheStatus(status: CacheStatus): string {
  const parameters = [
    status.hit === true && 'hit',
    status.fwd !== undefined && `fwd=${status.fwd}`,
    status.fwdStatus !== undefined && `fwd-status=${status.fwdStatus}`,
    status.ttl !== undefined && `ttl=${status.ttl}`,
    status.stored === true && 'stored',
    status.collapsed === true && 'collapsed',
    status.detail !== undefined && `detail=${bareItem(status.detail)}`,
  ]
  return ['kiss', ...parameters.filter((parameter) => parameter !== false)].join('; ')
}

/** How an artifact was served, read from Cache-Status. */
export interface Served {
  readonly as: 'hit' | 'miss' | 'collapsed' | 'revalidated' | 'stale'
  /** Downloaded or joined: its bytes will be in the store. */
  readonly stored: boolean
  readonly detail: 'authorised' | 'stale-if-error' | 'sign-in-page' | undefined
  /** Seconds of freshness left; of use when stale. */
  readonly ttl?: number | undefined
}

/** The exact strings of the contract. */
export function cacheStatusOf({ as, stored, detail, ttl }: Served): string {
  const more = detail === undefined ? {} : { detail }
  switch (as) {
    case 'hit':
      return formatCacheStatus({ hit: true, ...more })
    case 'miss':
      return formatCacheStatus({ fwd: 'uri-miss', fwdStatus: 200, stored, ...more })
    case 'collapsed':
      return formatCacheStatus({ fwd: 'uri-miss', collapsed: true, ...more })
    case 'revalidated':
      return formatCacheStatus({ fwd: 'stale', fwdStatus: 304, ...more })
    case 'stale':
      return formatCacheStatus({ hit: true, ...(ttl !== undefined && { ttl }), ...more })
  }
}

/** RFC 9211: the last member is the cache nearest to us; from the parameters of ours, how it was served. */
export function servedAs(cacheStatus: string | undefined): Served['as'] {
  const member = cacheStatus?.split(',').at(-1) ?? ''
  const parameters = new Set(member.split(';').map((parameter) => parameter.trim()))
  if (parameters.has('collapsed')) return 'collapsed'
  if (parameters.has('hit')) return parameters.has('detail=stale-if-error') ? 'stale' : 'hit'
  return parameters.has('fwd-status=304') ? 'revalidated' : 'miss'
}

/** RFC 9211 §2: was kiss one of the caches that handled the answer? */
export function namesKiss(cacheStatus: string | undefined): boolean {
  return /(?:^|,)\s*kiss\s*(?:[;,]|$)/.test(cacheStatus ?? '')
}

/** Did the server get a sign-in page in place of the artifact? */
export function saysSignInPage(cacheStatus: string | undefined): boolean {
  return /;\s*detail=sign-in-page\s*(;|$)/.test(cacheStatus?.split(',').at(-1) ?? '')
}
