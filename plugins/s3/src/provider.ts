/** The S3 provider: which URLs are objects, what they are called, how they are asked for, what a refusal means. */

import type {
  Classification,
  ProvidersHookOptions,
  Sharing,
  UpstreamFailure,
  UpstreamProvider,
} from 'kiss-cache/plugin'
import { Access } from './access.js'
import { errorCode, meaning } from './failure.js'
import { canonicalUrl } from './object.js'
import { notA } from './object-url.js'
import { readSettings, type Settings } from './settings.js'
import { contentParameters, holdsCredential, isSigned } from './signed-url.js'

export interface S3ProviderOptions
  extends Pick<ProvidersHookOptions, 'env' | 'serving'>, Partial<Pick<ProvidersHookOptions, 'http'>> {
  /** The section `s3:` of the configuration file, as parsed. */
  readonly section?: unknown
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

/**
 * One provider for each way of sharing that the settings know: they differ in the buckets that they own. What nothing is
 * lent for is what anybody could have fetched, and shared by all. Throws, in one line, what is wrong with the settings.
 */
export function createS3Providers(options: S3ProviderOptions): UpstreamProvider[] {
  const { settings, access, whole } = prepare(options)
  const own = [...settings.buckets.values()].flatMap(({ share }) => share ?? [])
  const ways = new Set<Sharing>(['all', settings.share, ...own])
  // On a command line the credentials belong to the user.
  if (!options.serving || ways.size === 1) return [whole]
  const sharing = (url: URL): Sharing => {
    const found = access.places.find(url)
    if (found === undefined || access.signature(found) === 'never') return 'all'
    return settings.buckets.get(found.object.bucket)?.share ?? settings.share
  }
  return [...ways].map((share) => ({
    ...whole,
    name: share === 'all' ? whole.name : `${whole.name}-${share}`,
    share,
    matches: (url) => whole.matches(url) && sharing(url) === share,
  }))
}

/** The same as one, whose own credentials are everybody's. */
export function createS3Provider(options: S3ProviderOptions): UpstreamProvider {
  return prepare(options).whole
}

interface Prepared {
  readonly settings: Settings
  readonly access: Access
  readonly whole: UpstreamProvider
}

function prepare({ env, serving, http, section, now = Date.now }: S3ProviderOptions): Prepared {
  const settings = readSettings(section, env)
  const access = new Access({ settings, env, serving, now, http })
  return { settings, access, whole: providerOf(access) }
}

function providerOf(access: Access): UpstreamProvider {
  const { places } = access
  return {
    name: 's3',
    priority: 50,

    matches: (url) => places.find(url) !== undefined || (/^https?:$/.test(url.protocol) && isSigned(url)),

    objection: (url) => (url.protocol === 's3:' ? `s3: ${notA('object', url)}` : undefined),

    cacheKey(url) {
      const found = places.find(url)
      return found === undefined ? withoutSignature(url) : canonicalUrl(found.object)
    },

    carriesCredential: (url) => url.username !== '' || url.password !== '' || holdsCredential(url),

    lends(url) {
      const found = places.find(url)
      return found !== undefined && access.signature(found) !== 'never'
    },

    async authorise(request, { hop, clientCredential }) {
      // After a redirect it never signs: AWS's own, to the host of another region, ends in a refusal that `classify` learns from.
      const found = hop === 0 ? places.find(request.url) : undefined
      if (found === undefined) return request
      if (!clientCredential) return access.authorise(request, found)
      return found.scheme === 's3' ? access.open(request, found) : request
    },

    classify(failure) {
      const code = errorCode(failure)
      const found = holdsCredential(failure.url) ? undefined : places.find(failure.url)
      return (found && access.learn(failure, found)) ?? meaning(code) ?? goneByMarker(failure)
    },

    describe(failure) {
      const found = places.find(failure.url)
      const code = errorCode(failure)
      if (found === undefined && code === undefined) return undefined
      const { host, pathname } = failure.url
      const what = found ? `bucket ${found.object.bucket}, key ${found.object.key}` : `${host}${pathname}`
      return `s3: ${what.replace(/\p{C}/gu, '\uFFFD').slice(0, 1200)}: ${code ?? `status ${failure.status}`}`
    },
  }
}

/** A version that is a delete marker is answered 405: there is no such object any more. */
function goneByMarker({ status, headers }: UpstreamFailure): Classification | undefined {
  return status === 405 && headers['x-amz-delete-marker'] === 'true' ? 'gone' : undefined
}

/** A signed URL of a host that the settings do not know keeps its form, so that it shares its name with the bare one. */
function withoutSignature(url: URL): URL {
  const bare = new URL(url)
  bare.username = bare.password = bare.hash = ''
  const parameters = contentParameters(url)
  bare.search = parameters.length === 0 ? '' : `?${parameters.join('&')}`
  return bare
}
