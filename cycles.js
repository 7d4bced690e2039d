// Names the circles of imports, those of types and of import() included, and exits 1 where there is one. The rule
// import/no-cycle of oxlint does not see import().
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parseSync } from 'rolldown/utils'

const project = import.meta.dirname
const folders = ['src', ...['s3', 'gitlab', 'github', 'lava'].map((name) => `plugins/${name}/src`)]
const files = folders.flatMap((folder) =>
  readdirSync(path.join(project, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => path.join(folder, file)),
)
const imports = new Map(files.map((file) => [file, importsOf(file)]))

/** Project files that this one imports or exports from. */
function importsOf(file) {
  const text = readFileSync(path.join(project, file), 'utf8')
  const { module, errors } = parseSync(file, text)
  if (errors.length > 0) throw new Error(`${file}: ${errors[0].message}`)
  const exported = module.staticExports.flatMap(({ entries }) => entries)
  const named = [...module.staticImports, ...exported].flatMap(({ moduleRequest }) => moduleRequest?.value ?? [])
  const late = module.dynamicImports.map(({ moduleRequest: { start, end } }) => text.slice(start + 1, end - 1))
  const local = [...named, ...late].filter((name) => name.startsWith('.'))
  return local.map((name) => path.join(path.dirname(file), name.replace(/\.js$/, '.ts')))
}

/** Files from which every path has been followed to its end. */
const done = new Set()
const circles = []

function follow(file, trail) {
  if (trail.includes(file)) return void circles.push([...trail.slice(trail.indexOf(file)), file])
  if (done.has(file)) return
  const next = imports.get(file)
  if (next === undefined) throw new Error(`${trail.at(-1)} imports ${file}, which is no source file`)
  for (const imported of next) follow(imported, [...trail, file])
  done.add(file)
}

for (const file of files) follow(file, [])
for (const circle of circles) console.error(`a circle of imports: ${circle.join(' -> ')}`)
process.exitCode = circles.length > 0 ? 1 : 0
