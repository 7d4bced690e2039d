/** A program for a test: asks each URL with a CA file, and prints the statuses. */
import { Asker } from '../support/asking.js'

const [caFile = '', ...urls] = process.argv.slice(2)
const asker = await Asker.open({ caFile })
const statuses: number[] = []
for (const url of urls) statuses.push((await asker.get(url)).status)
process.stdout.write(`${statuses.join(' ')}\n`)
await asker.close()
