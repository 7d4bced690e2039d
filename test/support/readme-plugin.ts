/** The plugin that the README shows, as files. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { project } from './cli.js'

export function writeReadmePlugin(folder: string): void {
  const readme = readFileSync(path.join(project, 'README.md'), 'utf8')
  const [, manifest = ''] = /```json\n(\{\n {2}"name": "kiss-lab"[^]*?)```/.exec(readme) ?? []
  const modules = [...readme.matchAll(/```js\n(\/\/ (\S+\.js): [^]*?)```/g)]
  const names = modules.map(([, , file]) => file)
  assert.deepEqual([manifest === '', names], [false, ['provider.js', 'commands/lab/kept.js']])
  mkdirSync(path.join(folder, 'commands/lab'), { recursive: true })
  writeFileSync(path.join(folder, 'package.json'), manifest)
  for (const [, text = '', file = ''] of modules) writeFileSync(path.join(folder, file), text)
}
