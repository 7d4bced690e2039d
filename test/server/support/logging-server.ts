/** A process of its own whose log goes to its stderr; it prints its URL, and how much it dropped when stdin ends. */

import { openLog } from '#kiss/server/log.js'
import { startServer } from '#kiss/server/server.js'
import { StubEngine } from './stub-engine.js'

const log = await openLog()
const server = await startServer({ engine: new StubEngine(), log, host: '127.0.0.1', port: 0, version: '1' })
process.stdout.write(`${server.url}\n`)
process.stdin.resume()
process.stdin.on('end', () => {
  void server
    .drain()
    .then(() => process.stdout.write(`dropped ${log.dropped}\n`))
    .then(() => log.close())
})
