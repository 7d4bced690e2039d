import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { Sandbox } from '../support/cli.js'

/** What bash offers for a line whose last word is being typed. */
const askBash = `
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_kiss
if ((\${#COMPREPLY[@]})); then printf '%s\\n' "\${COMPREPLY[@]}"; fi
`
/**
 * zsh completes only where somebody types: in a pseudo-terminal. The first session writes down the functions of zsh, of
 * which the others read the list. Ends when the list of offers matches a pattern of zsh.
 */
const askZsh = `
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "autoload -Uz compinit && compinit -u -d ~/.zcompdump; source $1; stty cols 300; PROMPT=; LISTMAX=10000; bindkey '^I' list-choices; echo REA''DY"
zpty -r z line '*READY*2004h*'
zpty -n -w z "$2"$'\\t'
zpty -r z line "*$3*"
zpty -d z
`

function has(program: string): boolean {
  return spawnSync(program, ['--version']).error === undefined
}

describe('kiss completion', () => {
  let sandbox: Sandbox
  beforeEach(() => {
    sandbox = new Sandbox()
  })
  afterEach(() => sandbox.remove())

  const script = async (shell: string): Promise<string> => {
    const { code, stdout, stderr } = await sandbox.run(['completion', shell])
    assert.deepEqual([code, stderr], [0, ''])
    const file = path.join(sandbox.root, `kiss.${shell}`)
    writeFileSync(file, stdout)
    return file
  }

  const ask = (program: string, args: readonly string[]): string[] => {
    const { status, stdout, stderr } = spawnSync(program, args, {
      encoding: 'utf8',
      cwd: sandbox.cwd,
      env: { PATH: process.env.PATH, HOME: sandbox.home, TERM: 'xterm' },
      timeout: 20_000,
    })
    assert.equal(status, 0, stderr)
    return stdout.split('\n').filter((line) => line !== '')
  }

  it('completes commands, topics, flags and values in bash', async () => {
    const file = await script('bash')
    const offered = (...words: string[]): string[] => ask('bash', ['-c', askBash, 'bash', file, 'kiss', ...words])
    assert.deepEqual(offered('se'), ['serve'])
    assert.deepEqual(offered('lava', 're'), ['restore', 'rewrite'])
    assert.ok(['fetch', 's3', 'gitlab', 'lava', 'help'].every((word) => offered('').includes(word)))
    assert.deepEqual(offered('serve', '--x'), ['--x-accel-redirect'])
    assert.deepEqual(offered('lava', 'rewrite', 'job.yaml', '--in-'), ['--in-place'])
    assert.deepEqual(offered('serve', '--log-level', 'f'), ['fatal'])
    assert.deepEqual(offered('list', '--sort', ''), ['url', 'size', 'age', 'used', 'hits'])
    assert.deepEqual(offered('completion', ''), ['bash', 'fish', 'zsh'])
    // As bash splits --sort= and --sort=s.
    assert.deepEqual(offered('list', '--sort', '='), ['url', 'size', 'age', 'used', 'hits'])
    assert.deepEqual(offered('list', '--sort', '=', 's'), ['size'])
    // Nothing of its own: bash offers files.
    assert.deepEqual(offered('serve', '--tls-cert', ''), [])
    assert.deepEqual(offered('fetch', 'h'), [])
  })

  it('completes the same in fish, with descriptions', async function () {
    if (!has('fish')) return this.skip()
    const file = await script('fish')
    const offered = (line: string): string[] => ask('fish', ['-c', `source ${file}; complete -C '${line}'`])
    assert.deepEqual(offered('kiss se'), ['serve\tserve artifacts over HTTP'])
    assert.deepEqual(
      offered('kiss lava re').map((line) => line.split('\t')[0]),
      ['restore', 'rewrite'],
    )
    assert.deepEqual(
      offered('kiss serve --log-level f').map((line) => line.split('\t')[0]),
      ['fatal'],
    )
    assert.match(offered('kiss list --sort=s').join('\n'), /^--sort=size\t[^\n]*$/)
    assert.match(offered('kiss lava rewrite job.yaml --in-p').join('\n'), /^--in-place\t/)
    assert.deepEqual(offered('kiss completion '), ['bash', 'fish', 'zsh'])
  })

  it('completes the same in zsh', async function () {
    if (!has('zsh')) return this.skip()
    const file = await script('zsh')
    const offers = (line: string, pattern: string): unknown =>
      ask('zsh', ['-f', '-c', askZsh, 'zsh', file, line, pattern])
    offers('kiss ', 'serve *-- serve artifacts over HTTP')
    offers('kiss lava re', 'restore *rewrite *')
    offers('kiss serve --max-', '--max-downloads *-- concurrent downloads, in total')
    offers('kiss list --sort ', 'age *hits *size *url *used')
    offers('kiss list --sort=', 'age *hits *size *url *used')
  })

  it('knows no other shell', async () => {
    const { code, stdout, stderr } = await sandbox.run(['completion', 'tcsh'])
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /bash, fish, zsh/)
  })
})
