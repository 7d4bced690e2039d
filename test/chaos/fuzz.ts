/**
 * The whole fuzz run: `npm run fuzz [inputs] [seed]`. Every string that a stranger can give, against the functions that
 * read it and against a running server. Ends with its figures, and with exit code 1 where anything did not hold.
 */
import { checks, kinds, pieces } from '../support/fuzz/strings.js'
import { faultsOf, fuzzServer } from '../support/fuzz/run.js'
import { Random } from '../server/support/random.js'

const [inputs = 120_000, seed = 20_261_124] = process.argv.slice(2).map(Number)
const startedAt = performance.now()

// Half of them are strings, a sixth of those of each kind; the other half are requests.
const ofKind = Math.ceil(inputs / 2 / kinds.length)
const random = new Random(seed)
for (const kind of kinds) {
  for (let n = 0; n < ofKind; n++) await checks[kind](random.text(pieces[kind]), random)
  process.stdout.write(`${ofKind} strings as ${kind}: all held\n`)
}

const figures = await fuzzServer(seed, Math.ceil(inputs / 2), (done) => {
  if (done % 10_000 === 0) process.stdout.write(`${done} requests sent\n`)
})
const seconds = Math.round((performance.now() - startedAt) / 1000)
const { statuses, requests, originRequests, forbidden, hanging } = figures
process.stdout.write(
  `seed ${seed}: ${ofKind * kinds.length} strings and ${requests} requests in ${seconds} s; ${originRequests} reached the origin, ` +
    `${forbidden} a forbidden address; ${hanging} hung; answers by status: ${JSON.stringify(statuses)}\n`,
)
const faults = faultsOf(figures)
for (const fault of faults) process.stderr.write(`${fault}\n`)
process.exitCode = faults.length === 0 ? 0 : 1
