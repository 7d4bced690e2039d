/**
 * The report of mocha, with the tests that passed at the second try only, and why they failed before. The suite runs files
 * side by side on few cores, where a pause of the machine can fail a test that is right. A race in the program looks the same:
 * look into every test of this list.
 */
import Mocha from 'mocha'

const { EVENT_RUN_END, EVENT_TEST_RETRY } = Mocha.Runner.constants

export default class Reporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options)
    const repeated: string[] = []
    runner.on(EVENT_TEST_RETRY, (test: Mocha.Test, error: Error) => {
      repeated.push(`${test.fullTitle()}\n      ${error.stack ?? error.message}`)
    })
    // Before the summary, which is the last that CI shows.
    runner.prependOnceListener(EVENT_RUN_END, () => {
      if (repeated.length === 0) return
      Mocha.reporters.Base.consoleLog('  \n  %d tried again after a failure:\n', repeated.length)
      for (const test of repeated) Mocha.reporters.Base.consoleLog('    %s\n', test)
    })
  }
}
