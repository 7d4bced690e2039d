/** Ends the run of the tests where something that a test left open would keep the process waiting, and says what it is. */

/** Milliseconds after the last test: sockets and processes that are on their way out are gone by then. */
const GRACE = 10_000

export const mochaHooks = {
  afterAll(): void {
    setTimeout(() => {
      const left = process.getActiveResourcesInfo().sort().join(', ')
      process.stderr.write(`the tests have ended, but something keeps the process alive: ${left}\n`)
      // With the code that mocha sets when it is told of the end.
      process.exit()
    }, GRACE).unref()
  },
}
