import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { settingNames, environmentName } from '#kiss/cli/settings/table.js'
import { listening, project, Sandbox } from '../support/cli.js'
import { replaced } from '../support/nginx.js'

const dockerfile = readFileSync(path.join(project, 'docs/docker/Dockerfile'), 'utf8')
const variables: readonly string[] = settingNames.map(environmentName)

interface Compose {
  readonly services: {
    readonly kiss: {
      readonly build: { readonly context: string; readonly dockerfile: string }
      readonly environment: Readonly<Record<string, string>>
      readonly user?: string
    }
  }
}

/** The health check of the image, against this port. */
async function health(port: string): Promise<number> {
  const line = /HEALTHCHECK[^[]*CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? assert.fail('there is a health check')
  const [program = '', ...args] = JSON.parse(replaced(line, { ':8001/': `:${port}/` })) as string[]
  assert.equal(program, 'node')
  const child = spawn(process.execPath, args, { stdio: 'inherit' })
  const [code] = (await once(child, 'exit')) as [number]
  return code
}

describe('docs/docker', () => {
  it('has a health check that tells a server that serves from one that does not', async () => {
    const sandbox = new Sandbox()
    try {
      const running = sandbox.startServer(['--port', '0'])
      const { port } = new URL(await listening(running))
      assert.equal(await health(port), 0)
      running.child.kill('SIGTERM')
      await running.ended
      assert.equal(await health(port), 1)
    } finally {
      sandbox.remove()
    }
  })

  it('copies into the image what is there, and what npm packs', () => {
    const copied = [...dockerfile.matchAll(/^COPY --from=build (.*) \S+$/gm)].flatMap(([, sources = '']) =>
      sources.split(' '),
    )
    const names = copied.map((source) => source.replace(/^\/src\//, ''))
    for (const name of names) assert.ok(existsSync(path.join(project, name)), name)
    const { files } = JSON.parse(readFileSync(path.join(project, 'package.json'), 'utf8')) as { files: string[] }
    for (const file of files.filter((file) => !file.startsWith('!')))
      assert.ok(names.includes(file.split('/')[0]!), file)
  })

  it('links the package by its name, by which the plugins import it, after npm has pruned that link', () => {
    const { name } = JSON.parse(readFileSync(path.join(project, 'package.json'), 'utf8')) as { name: string }
    assert.match(dockerfile, new RegExp(`npm prune .* && ln -sfn \\.\\. node_modules/${name}$`, 'm'))
  })

  it('runs as another user than root, with a cache that this user can write', () => {
    const stage = dockerfile.slice(dockerfile.lastIndexOf('FROM '))
    assert.match(stage, /^USER node$/m)
    assert.match(stage, /--owner=node .*\/var\/cache\/kiss$/m)
  })

  it('names settings that exist, and files that are there', () => {
    const text = readFileSync(path.join(project, 'docs/docker/compose.yaml'), 'utf8')
    const { kiss } = (parse(text) as Compose).services
    for (const name of Object.keys(kiss.environment)) assert.ok(variables.includes(name), name)
    for (const [name] of dockerfile.matchAll(/\bKISS_\w+(?==)/g)) assert.ok(variables.includes(name), name)
    const context = path.join(project, 'docs/docker', kiss.build.context)
    assert.equal(context, `${project}/`.replace(/\/$/, ''))
    assert.ok(existsSync(path.join(context, kiss.build.dockerfile)))
  })
})
