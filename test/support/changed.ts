/**
 * Runs the tests of what changed since the branch left main: test files that changed, and those that import a changed
 * source file. Run it after a build. Arguments go to mocha.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim()

const base = git('merge-base', 'HEAD', 'main')
const changed = `${git('diff', '--name-only', base)}\n${git('ls-files', '--others', '--exclude-standard')}`.split('\n')

/** `src/engine/retry.ts` is imported as `#kiss/flight/retry.js`, `plugins/s3/src/lab.ts` as `#s3/lab.js`. */
const modules = changed.flatMap((file) => {
  const [, plugin = 'kiss', name] = /^(?:plugins\/(\w+)\/)?src\/(.*)\.ts$/.exec(file) ?? []
  return name === undefined ? [] : [`#${plugin}/${name}.js'`]
})
const compiled = (file: string): string => file.replace(/^test\/(.*)\.ts$/, 'test/dist/$1.js')
const own = changed.filter((file) => /^test\/.*\.test\.ts$/.test(file)).map(compiled)
const compiledTests = readdirSync('test/dist', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.js'))
  .map((file) => path.join('test/dist', file))
const importing = compiledTests.filter((file) => {
  const text = readFileSync(file, 'utf8')
  return modules.some((module) => text.includes(module))
})
const files = [...new Set([...own, ...importing])].filter((file) => existsSync(file)).sort()

if (files.length === 0) console.log('no test changed, and none imports a changed file')
else
  process.exitCode = spawnSync('npx', ['mocha', ...process.argv.slice(2), ...files], { stdio: 'inherit' }).status ?? 1
