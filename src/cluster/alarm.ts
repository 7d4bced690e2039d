/** A deadline for a process that may be suspended: after it resumes, it reads what it has received before the deadline counts. */

/** Number of parts of a deadline. A suspension of any length counts as one part. */
const PARTS = 4

/** Calls `ring` after the process has run for this number of milliseconds. Returns a function that cancels the deadline. */
export function alarm(ms: number, ring: () => void): () => void {
  let left = PARTS
  const timer = setInterval(() => {
    if (--left > 0) return
    clearInterval(timer)
    ring()
  }, ms / PARTS)
  return () => clearInterval(timer)
}
