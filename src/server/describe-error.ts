/** An unexpected error for the log: its stack and causes, with every URL in its displayable form. */

import { displayUrl } from '../http/urls.js'

export interface DescribedError {
  readonly type: string
  readonly code?: string
  readonly stack: string
  readonly cause?: DescribedError
}

/** A chain of causes longer than this says nothing more. */
const deepest = 5

/** Reads these properties of the error only: others may contain secrets (`input` of a bad URL). */
export function describeError(error: unknown, depth = deepest): DescribedError {
  if (!(error instanceof Error)) return { type: typeof error, stack: hideSecrets(String(error)) }
  const { code } = error as NodeJS.ErrnoException
  return {
    type: error.name,
    ...(typeof code === 'string' && { code }),
    stack: hideSecrets(error.stack ?? error.message),
    ...(error.cause !== undefined && depth > 0 && { cause: describeError(error.cause, depth - 1) }),
  }
}

/** Userinfo, query and fragment of each URL in a text. */
function hideSecrets(text: string): string {
  return text.replace(/\b[a-z][a-z0-9+.-]*:\/\/[^\s"'`<>()]+/gi, (url) =>
    // The locations of a stack are not secret: file:///path.js:12:3
    url.startsWith('file:') ? url : displayUrl(url),
  )
}
