/** Ends the process of mocha when something that a test left open would keep it alive, and names what that is. */

/** Milliseconds after the last test. Sockets and processes that are closing are gone by then. */
const GRACE = 10_000

/**
 * Runs once, after the last test, in the process that prints the summary. In parallel mode the files run in workers,
 * which mocha ends itself.
 */
export function mochaGlobalTeardown(): void {
  setTimeout(() => {
    const left = process.getActiveResourcesInfo().sort().join(', ')
    process.stderr.write(`the tests have ended, but something keeps the process alive: ${left}\n`)
    // Mocha's own listener of `exit` sets the code.
    process.exit()
  }, GRACE).unref()
}
