/** `npm run chaos -- --seed 1 --requests 10000 [--cluster | --parent]`: the whole chaos run; exits 1 where anything was wrong. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { runChaos } from './chaos.js'
import { runClusterChaos } from './cluster.js'
import { clusterComplaints, complaints } from './report.js'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    requests: { type: 'string', default: '10000' },
    readers: { type: 'string', default: '50' },
    parent: { type: 'boolean', default: false },
    cluster: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
})
const root = mkdtempSync(path.join(tmpdir(), 'kiss-chaos-'))
const options = {
  seed: Number(values.seed),
  requests: Number(values.requests),
  readers: Number(values.readers),
  root,
  say: (line: string) => process.stderr.write(`${line}\n`),
}
const { report, found } = values.cluster ? await overNodes() : await onOneMachine()
console.log(JSON.stringify(report, null, 2))
console.log(`origin bytes / necessary bytes: ${(report.bytes.origin / report.bytes.necessary).toFixed(3)}`)
console.log(found.length === 0 ? 'all right' : found.join('\n'))
if (values.keep) console.log(`kept ${root}`)
else rmSync(root, { recursive: true, force: true })
// Node 20 can count a timer that is gone, and would wait for it without end.
process.exit(found.length === 0 ? 0 : 1)

async function onOneMachine() {
  const report = await runChaos({ ...options, parent: values.parent })
  // The witnesses of two tiers see each body twice.
  return { report, found: complaints(report, values.parent ? { ratio: Infinity } : {}) }
}

async function overNodes() {
  const report = await runClusterChaos(options)
  return { report, found: clusterComplaints(report) }
}
