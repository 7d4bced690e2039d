import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { project } from '../support/cli.js'
import { bytes, Origin } from '../support/origin.js'
import { GitLabServer } from '../support/gitlab-server.js'
import { PasteShell } from '../support/paste.js'
import { S3Server } from '../support/s3-server.js'
import { startLab as startGitHub, token } from './github/lab.js'
import { own } from './gitlab/lab.js'
import { environmentFor, keys } from './s3/harness.js'

interface Manifest {
  readonly commands: Readonly<
    Record<string, { readonly examples?: readonly (string | { readonly command: string })[] }>
  >
}

/** As they stand in the help text. */
function examplesOf(plugin: string): [command: string, examples: string[]][] {
  const file = path.join(project, 'plugins', plugin, 'oclif.manifest.json')
  const { commands } = JSON.parse(readFileSync(file, 'utf8')) as Manifest
  return Object.entries(commands).map(([id, { examples = [] }]) => [
    id,
    examples.map((example) =>
      (typeof example === 'string' ? example : example.command)
        .replaceAll('<%= config.bin %>', 'kiss')
        .replaceAll('<%= command.id %>', id.replaceAll(':', ' ')),
    ),
  ])
}

describe('examples in the help texts of the plugins', () => {
  /** One for all examples of a plugin. */
  let shell: PasteShell
  let stops: (() => Promise<void>)[]
  /** What a name of an example is here. */
  let names: Record<string, string>

  const labs: Record<string, () => Promise<void>> = {
    /** The bucket of the examples, on a server that checks signatures. */
    async s3() {
      const server = await S3Server.start({ keys: [keys] })
      stops.push(() => server.close())
      server.bucket('lkft').put('lkft', 'builds/Image.gz', bytes('kernel', 10_000))
      Object.assign(shell.env, environmentFor(server))
    },
    /** The project of the examples has the job and the tag that they name. */
    async gitlab() {
      const gitlab = await GitLabServer.start()
      stops.push(() => gitlab.close())
      const kernel = gitlab.project('lab/kernel')
      kernel.latest.set('main build', '1').set('v6.6 build', '1')
      kernel.artifacts.set('1 Image.gz', bytes('image', 1000))
      gitlab.tokens.add(own.private, 'private', ['lab/kernel'])
      Object.assign(shell.env, { GITLAB_HOST: gitlab.url, GITLAB_TOKEN: own.private })
    },
    /** The repository of the examples has the run and the workflow that they name. */
    async github() {
      const { github } = await startGitHub()
      stops.push(() => github.close())
      Object.assign(shell.env, { GH_HOST: github.url, GH_TOKEN: token })
    },
    /** `http://kiss:8001` is a server, job.yaml is a job, lavacli takes what it is given. */
    async lava() {
      const origin = await Origin.start()
      stops.push(() => origin.close())
      origin.serve('/Image.gz', { body: bytes('image', 1000) })
      names = { 'http://kiss:8001': await shell.serve() }
      shell.standIn('lavacli', 'test "$1 $2" = "jobs submit" && test "$(cat "$(echo "$3" | sed s,^-$,/dev/stdin,)")"')
      const job = `actions:\n- deploy:\n    to: tftp\n    kernel:\n      url: ${origin.url('/Image.gz')}\n`
      writeFileSync(path.join(shell.sandbox.cwd, 'job.yaml'), job)
      const rewritten = await shell.paste('kiss lava rewrite --server http://kiss:8001 job.yaml', names)
      writeFileSync(path.join(shell.sandbox.cwd, 'rewritten.yaml'), rewritten.stdout)
    },
  }

  for (const [plugin, prepare] of Object.entries(labs)) {
    describe(`of ${plugin}`, () => {
      before(async () => {
        shell = await PasteShell.open()
        stops = [() => shell.remove()]
        names = {}
        await prepare()
      })
      after(async () => {
        for (const stop of stops.reverse()) await stop()
      })

      for (const [command, examples] of examplesOf(plugin)) {
        it(`kiss ${command.replace(':', ' ')} has examples`, () => assert.ok(examples.length > 0))

        for (const example of examples) {
          it(`this example works when pasted: ${example}`, async () => {
            const { code, stdout, stderr } = await shell.paste(example, names)
            assert.equal(code, 0, `${stdout}${stderr}`)
          })
        }
      }
    })
  }
})
