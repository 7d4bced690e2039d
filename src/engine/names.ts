/** Follows a name (store/names.ts) to the entry that it leads to. */

import { KissError } from '../errors.js'
import type { Content } from './types.js'
import { withoutCredentials } from '../upstream/headers.js'
import { firstHop, MAX_REDIRECTS } from '../upstream/redirects.js'
import type { RequestState } from './request-state.js'
import type { Artifact, FetchRequest } from './types.js'

const PURGE = { hint: 'purge it' }

/**
 * The artifact behind a name. Its own rules and rights hold. The credential that the client brought is shown to the origin of
 * the artifact only if that is the origin of the name, or the URL belongs to the same provider. Reads and closes the name.
 *
 * @param fetch one URL by its rules
 */
export async function behind(
  { request, subject, came }: RequestState,
  name: Artifact,
  fetch: (request: FetchRequest) => Promise<Artifact>,
): Promise<Artifact> {
  const { through = [] } = request
  const url = await urlIn(name)
  // A bundle, or a plugin that is gone, may have left a name that no provider gives now.
  if (subject.provider.source === undefined)
    throw new KissError('disk', `${subject.shown} is stored as a name, and no plugin gives names for it`, PURGE)
  if (through.length >= MAX_REDIRECTS)
    throw new KissError('credential', `${subject.shown} is the ${through.length + 1}th name in a row`)
  const { headers } = firstHop(request.url, request.headers ?? {})
  const isOwn = url.origin === request.url.origin || subject.provider.matches(url)
  const passed = isOwn ? headers : withoutCredentials(headers)
  const found = await fetch({
    ...request,
    url,
    headers: passed,
    through: [...through, subject.canonical.href],
    came,
    internal: true,
  })
  return {
    ...found,
    as: name.as === 'stale' && isFromStore(found) ? 'stale' : found.as,
    private: found.private || name.private,
    detail: found.detail ?? name.detail,
    named: true,
  }
}

function isFromStore({ as }: Artifact): boolean {
  return as === 'hit' || as === 'revalidated'
}

async function urlIn(name: Artifact): Promise<URL> {
  try {
    const text = await textOf(name.content)
    if (!URL.canParse(text)) throw new KissError('disk', `${name.url} is stored as a name of no URL`, PURGE)
    await name.close('done')
    return new URL(text)
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
