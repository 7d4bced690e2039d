/** A deadline that a process which stands still does not miss: what it has received meanwhile is looked at first. */

/** Parts of a deadline. However long the process stands still, that is one part. */
const PARTS = 4

/** Calls `ring` after so many milliseconds in which the process ran. Returns what takes it back. */
export function alarm(ms: number, ring: () => void): () => void {
  let left = PARTS
  const timer = setInterval(() => {
    if (--left > 0) return
    clearInterval(timer)
    ring()
  }, ms / PARTS)
  return () => clearInterval(timer)
}
