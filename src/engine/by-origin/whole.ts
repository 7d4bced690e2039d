/** The artifact behind a URL under `freshness: origin`, for `kiss fetch`, which takes no other answer. */

import { KissError } from '../../errors.js'
import { refused } from '../../flight/refusals.js'
import { checkCircle, MAX_REDIRECTS, nextHop, redirects } from '../../upstream/redirects.js'
import type { RequestState } from '../request-state.js'
import type { Artifact, FetchRequest } from '../types.js'

/**
 * Follows redirects, each by the rules of its own URL; any other answer than the artifact is an error.
 *
 * @param fetch one URL by its rules
 */
export async function wholeArtifact(
  { request, subject }: RequestState,
  answered: Artifact,
  fetch: (request: FetchRequest) => Promise<Artifact>,
): Promise<Artifact> {
  const { answer } = answered
  if (answer === undefined || answer.status === 200) return answered
  await answered.close('done')
  const { status, fields } = answer
  const location = fields['location']
  if (!redirects(status, location)) {
    throw refused(subject.shown, {
      status,
      reason: `the origin answered ${status}`,
      meaning: status >= 500 ? 'retry' : 'denied',
      retryAfter: undefined,
      binding: false,
    })
  }
  const { through = [], headers = {} } = request
  const next = nextHop({ url: request.url, headers }, location)
  const hop = through.length
  if (hop >= MAX_REDIRECTS) throw new KissError('origin-failed', `${subject.shown} redirects for the ${hop + 1}th time`)
  checkCircle([request.url.href], next.url)
  return fetch({
    ...request,
    url: next.url,
    headers: next.headers,
    through: [...through, subject.canonical.href],
    internal: true,
  })
}
