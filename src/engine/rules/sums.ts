/** The sum of an artifact that a rule finds beside it: fetched through the cache, and a condition of the request. */

import type { Subject } from '../../flight/subject.js'
import { KissError } from '../../errors.js'
import { sumIn } from '../../http/sums.js'
import { decodeLenient, displayUrl } from '../../http/urls.js'
import type { Artifact, FetchRequest } from '../types.js'

/** Bytes of a file of sums: 10,000 lines. */
const LONGEST = 1024 * 1024

/** Milliseconds: the maximum age of a file of sums under every rule, because such files change. */
const SUM_AGE = 60_000

/**
 * The request with the sum that the file at `reference` has for it; the reference is relative to the artifact. Throws the failure of fetching the sum, and `digest-mismatch` if the client requires
 * another one.
 */
export async function promisedBy(
  reference: string,
  request: FetchRequest,
  { shown }: Subject,
  fetch: (request: FetchRequest) => Promise<Artifact>,
): Promise<FetchRequest> {
  const { url, headers, signal, offline, refresh, patience, sha256 } = request
  const place = placeOf(reference, url)
  const found = sumIn(
    await textOf(
      await fetch({
        url: place,
        // No credential is sent to another origin.
        ...(headers && place.origin === url.origin && { headers }),
        ...(signal && { signal }),
        ...(offline === true ? { offline } : { ttl: SUM_AGE }),
        ...(refresh !== undefined && { refresh }),
        ...(patience !== undefined && { patience }),
        internal: true,
        isSum: true,
      }),
    ),
    decodeLenient(url.pathname),
  )
  if (found === undefined) {
    throw new KissError('digest-mismatch', `cannot check ${shown}: ${displayUrl(place)} has no SHA-256 for it`, {
      status: 502,
    })
  }
  if (sha256 !== undefined && sha256 !== found) {
    throw new KissError('digest-mismatch', `${shown} should have the SHA-256 ${found}, as ${displayUrl(place)} says`)
  }
  return { ...request, sha256: found }
}

/** `*` is the file name as written in the URL; one with a colon is no scheme. */
export function placeOf(reference: string, url: URL): URL {
  const name = url.pathname.slice(url.pathname.lastIndexOf('/') + 1)
  const place = reference.startsWith('*') ? `./${reference}` : reference
  return new URL(
    place.replaceAll('*', () => name),
    url,
  )
}

async function textOf(artifact: Artifact): Promise<string> {
  const { content, url } = artifact
  const parts: Buffer[] = []
  try {
    for (let position = 0; ;) {
      const buffer = Buffer.allocUnsafe(64 * 1024)
      const bytes = await content.read(buffer, position)
      if (bytes === 0) return Buffer.concat(parts).toString()
      parts.push(buffer.subarray(0, bytes))
      position += bytes
      if (position > LONGEST)
        throw new KissError('digest-mismatch', `${url} is too long for a file of sums`, { status: 502 })
    }
  } finally {
    await artifact.close('done')
  }
}
