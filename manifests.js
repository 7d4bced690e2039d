// Writes the manifests of kiss and of its plugins. One process writes all of them, because oclif takes long to load.
import Manifest from 'oclif/lib/commands/manifest.js'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

process.env.OCLIF_SKIP_NEW_VERSION_CHECK = 'true'
const oclif = path.dirname(createRequire(import.meta.url).resolve('oclif/package.json'))
const project = import.meta.dirname
for (const folder of ['.', 'plugins/s3', 'plugins/gitlab', 'plugins/github', 'plugins/lava']) {
  // oclif removes the old manifest from the working directory.
  process.chdir(path.join(project, folder))
  await Manifest.default.run(['.'], oclif)
  // oclif lists the commands in the order of the file system.
  const { commands, ...rest } = JSON.parse(readFileSync('oclif.manifest.json', 'utf8'))
  const sorted = Object.fromEntries(Object.entries(commands).sort(([a], [b]) => (a < b ? -1 : 1)))
  writeFileSync('oclif.manifest.json', JSON.stringify({ commands: sorted, ...rest }, null, 2))
}
