/** The time that an answer's headers may take. */
import { errors } from 'undici'

/** Asks under a signal that is aborted with `signal`, or when there are no headers within `ms` milliseconds. */
export async function within<T>(ms: number, signal: AbortSignal, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(new errors.HeadersTimeoutError(`no answer within ${ms / 1000} s`)), ms)
  try {
    return await ask(AbortSignal.any([signal, late.signal]))
  } finally {
    clearTimeout(timer)
  }
}
