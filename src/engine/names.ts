/** Follows a name (store/names.ts) to the entry that it leads to. */

import { KissError } from '../errors.js'
import type { Content } from './types.js'
import { firstHop, MAX_REDIRECTS } from '../upstream/redirects.js'
import type { RequestState } from './request-state.js'
import type { Artifact, FetchRequest } from './types.js'

/**
 * The artifact behind a name. Its own rules and rights hold: the credential that the client brought is shown to its origin
 * as well. Reads and closes the name.
 *
 * @param fetch one URL by its rules
 */
export async function behind(
  { request, subject, came }: RequestState,
  name: Artifact,
  fetch: (request: FetchRequest) => Promise<Artifact>,
): Promise<Artifact> {
  const { hop = 0 } = request
  const url = await urlIn(name)
  if (hop >= MAX_REDIRECTS) throw new KissError('credential', `${subject.shown} is the ${hop + 1}th name in a row`)
  const { headers } = firstHop(request.url, request.headers ?? {})
  const found = await fetch({ ...request, url, headers, hop: hop + 1, came, internal: true })
  return { ...found, private: found.private || name.private, detail: found.detail ?? name.detail, named: true }
}

async function urlIn(name: Artifact): Promise<URL> {
  try {
    const url = new URL(await textOf(name.content))
    await name.close('done')
    return url
  } catch (error) {
    await name.close('aborted')
    throw error
  }
}

/** A URL: short. */
export async function textOf(content: Pick<Content, 'read'>): Promise<string> {
  const buffer = Buffer.allocUnsafe(64 * 1024)
  let length = 0
  for (let bytes = 1; bytes > 0; length += bytes) bytes = await content.read(buffer.subarray(length), length)
  return buffer.toString('utf8', 0, length)
}
