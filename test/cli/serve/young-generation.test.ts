import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Lets objects survive collections until the young generation would have grown, and prints its size before and after. */
const script = `
  import v8 from 'node:v8'
  import { keepYoungGeneration } from '${import.meta.resolve('#kiss/cli/serve/young-generation.js')}'
  const size = () => v8.getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space').space_size
  if (process.argv[1] === 'kept') keepYoungGeneration()
  const before = size()
  let survivors = []
  for (let n = 0; n < 2_000_000; n++) {
    survivors.push({ n })
    if (survivors.length > 400_000) survivors = []
  }
  console.log(JSON.stringify({ before, after: size() }))`

async function sizes(how: string): Promise<{ before: number; after: number }> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, how])
  return JSON.parse(stdout) as { before: number; after: number }
}

describe('the young generation of a server', () => {
  it('keeps the size that it has after the start', async () => {
    const [kept, free] = await Promise.all(['kept', 'free'].map(sizes))
    assert.equal(kept!.before, free!.before)
    // The size of the kept one wavers by large objects and by the second of its halves.
    assert.ok(kept!.after < free!.after / 4, `${kept!.after} bytes kept, ${free!.after} free`)
  })
})
