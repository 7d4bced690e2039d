import { checks, pieces, type Kind } from '../support/fuzz/strings.js'
import { Random } from './support/random.js'

/** Fixed, so that a failure can be repeated; KISS_FUZZ_SEED and KISS_FUZZ_INPUTS make another run of it. */
const seed = Number(process.env['KISS_FUZZ_SEED'] ?? 20261123)
const inputs = Number(process.env['KISS_FUZZ_INPUTS'] ?? 5000)

const says: Readonly<Record<Kind, string>> = {
  url: 'as URLs are shown without secrets, and are canonical the second time',
  query: 'as queries of the fetch endpoint give a URL or a usage error',
  pattern: 'as patterns mean what they say, and end',
  clock: 'as times, sizes and dates are finite, and make nothing fresh before its time',
  lies: 'as ranges and lengths of an origin that lies never join two bodies',
  range: 'as ranges lie within the body',
  tag: 'as fields are read or ignored',
  name: 'as names stay on their line and in their directory',
  yaml: 'as configuration files are read, or refused with file and line',
}

describe(`strings of strangers, seed ${seed}`, () => {
  const random = new Random(seed)
  for (const kind of Object.keys(says) as Kind[]) {
    it(says[kind], async () => {
      for (let n = 0; n < inputs; n++) await checks[kind](random.text(pieces[kind]), random)
    })
  }
})
