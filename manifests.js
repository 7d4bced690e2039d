// Writes the manifests of kiss and of its plugins, all in one process: to load oclif takes longer than to write one.
import Manifest from 'oclif/lib/commands/manifest.js'
import { createRequire } from 'node:module'
import path from 'node:path'

process.env.OCLIF_SKIP_NEW_VERSION_CHECK = 'true'
const oclif = path.dirname(createRequire(import.meta.url).resolve('oclif/package.json'))
const project = import.meta.dirname
for (const folder of ['.', 'plugins/s3', 'plugins/gitlab', 'plugins/github', 'plugins/lava']) {
  // It removes the old manifest from the working directory.
  process.chdir(path.join(project, folder))
  await Manifest.default.run(['.'], oclif)
}
