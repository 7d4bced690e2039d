// Writes the manifests of kiss and of its plugins, all in one process: to load oclif takes longer than to write one.
import Manifest from 'oclif/lib/commands/manifest.js'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

process.env.OCLIF_SKIP_NEW_VERSION_CHECK = 'true'
const oclif = path.dirname(createRequire(import.meta.url).resolve('oclif/package.json'))
const project = import.meta.dirname
for (const folder of ['.', 'plugins/s3', 'plugins/gitlab', 'plugins/github', 'plugins/lava']) {
  // It removes the old manifest from the working directory.
  process.chdir(path.join(project, folder))
  await Manifest.default.run(['.'], oclif)
  // Its order is that in which the file system answered.
  const { commands, ...rest } = JSON.parse(readFileSync('oclif.manifest.json', 'utf8'))
  const sorted = Object.fromEntries(Object.entries(commands).sort(([a], [b]) => (a < b ? -1 : 1)))
  writeFileSync('oclif.manifest.json', JSON.stringify({ commands: sorted, ...rest }, null, 2))
}
