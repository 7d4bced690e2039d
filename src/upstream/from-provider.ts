/** Calls a provider, and separates its values from its failures. */
import { unlessAborted } from '../waits.js'
import { asKissError, KissError } from '../errors.js'
import type { UpstreamFailure, UpstreamProvider } from '../provider/types.js'

export type Told<T> =
  | { readonly value: T | undefined; readonly failure?: undefined }
  | { readonly failure: UpstreamFailure }

/**
 * The value of the provider, or the answer of the origin that it reports by an error with a property `failure`. Throws KissError
 * `credential` for any other error, and the reason of the signal, which a provider may ignore.
 */
export async function fromProvider<T>(
  provider: UpstreamProvider,
  signal: AbortSignal,
  ask: () => Promise<T> | undefined,
): Promise<Told<T>> {
  signal.throwIfAborted()
  try {
    return { value: await unlessAborted(Promise.resolve(ask()), signal) }
  } catch (error) {
    signal.throwIfAborted()
    const failure = failureOf(error)
    // The provider's own request got no answer: the attempt fails as a download without an answer.
    if (error instanceof KissError && isUnanswered(error)) throw new Error(error.message, { cause: error.cause })
    if (failure === undefined) throw asKissError(error, 'credential', provider.name)
    return { failure }
  }
}

function failureOf(error: unknown): UpstreamFailure | undefined {
  if (typeof error !== 'object' || error === null || !('failure' in error)) return undefined
  const failure = error.failure as Partial<UpstreamFailure> | undefined
  const { url, hop = 0, status = 0, headers = {}, excerpt = '' } = failure ?? {}
  return url instanceof URL && status >= 300 ? { url, hop, status, headers, excerpt } : undefined
}

function isUnanswered({ code }: KissError): boolean {
  return code === 'origin-unreachable' || code === 'origin-timeout'
}
