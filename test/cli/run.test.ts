import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { project, Sandbox } from '../support/cli.js'

describe('kiss', () => {
  let sandbox: Sandbox
  beforeEach(() => {
    sandbox = new Sandbox()
  })
  afterEach(() => sandbox.remove())

  it('starts from any working directory', async () => {
    const { code, stdout, stderr } = await sandbox.run(['--version'], { cwd: '/' })
    assert.match(stdout, /^kiss\/\d/)
    assert.deepEqual([code, stderr], [0, ''])
  })

  it('starts through a symlink', async () => {
    const link = path.join(sandbox.root, 'kiss')
    symlinkSync(path.join(project, 'bin/run.js'), link)
    const { code, stdout } = await sandbox.start(['--help'], { bin: link }).ended
    assert.match(stdout, /^ {2}fetch /m)
    assert.equal(code, 0)
  })

  it('loads its four plugins', async () => {
    for (const topic of ['s3', 'gitlab', 'github', 'lava']) {
      const { code, stdout, stderr } = await sandbox.run([topic, '--help'])
      assert.match(stdout, new RegExp(`kiss ${topic} COMMAND`))
      assert.deepEqual([code, stderr], [0, ''])
    }
  })

  it('starts by manifests, which know every command without loading it', async () => {
    for (const folder of ['.', 'plugins/s3', 'plugins/gitlab', 'plugins/github', 'plugins/lava']) {
      const manifest = JSON.parse(readFileSync(path.join(project, folder, 'oclif.manifest.json'), 'utf8')) as {
        commands: object
      }
      const commands = path.join(project, folder, 'dist/commands')
      const files = existsSync(commands) ? readdirSync(commands, { recursive: true, encoding: 'utf8' }) : []
      const ids = files.filter((file) => file.endsWith('.js')).map((file) => file.slice(0, -3).replaceAll('/', ':'))
      assert.deepEqual(Object.keys(manifest.commands).sort(), ids.sort(), folder)
    }
  })

  it('fails when standard output cannot take the result, and does not when its reader has had enough', async () => {
    const shell = async (line: string): Promise<readonly [number | null, string]> => {
      const child = spawn('sh', ['-c', line.replaceAll('kiss', `${process.execPath} ${project}/bin/run.js`)], {
        env: { PATH: process.env.PATH, HOME: sandbox.home, KISS_CACHE_DIR: sandbox.cacheDir },
      })
      let stderr = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
      const [code] = (await once(child, 'close')) as [number | null]
      return [code, stderr]
    }
    const full = 'kiss: cannot write standard output: ENOSPC\n'
    for (const command of ['--version', '--help', 'list', 'stats --json'])
      assert.deepEqual(await shell(`kiss ${command} > /dev/full`), [6, full], command)
    assert.deepEqual(await shell('(kiss --help; echo "exit code $?" >&2) | :'), [0, 'exit code 0\n'])
  })

  it('says on stderr what is wrong with a command line, in one line, and exits 2', async () => {
    const lines: [string[], string][] = [
      [['fecth'], 'kiss: there is no command fecth; did you mean kiss fetch?\n'],
      [['fetsh', 'http://h/x?token=secret'], 'kiss: there is no command fetsh; did you mean kiss fetch?\n'],
      [['get', 'http://h/x?token=secret'], 'kiss: there is no command get; did you mean kiss fetch?\n'],
      [['rm', '--all'], 'kiss: there is no command rm; did you mean kiss purge?\n'],
      [['ftech', '-o', 'x', 'y'], 'kiss: there is no command ftech; did you mean kiss fetch?\n'],
      [['lava', 'prefech', 'job.yaml'], 'kiss: there is no command lava prefech; did you mean kiss lava prefetch?\n'],
      [['stats', 'https://h/x'], 'kiss: kiss stats takes no such argument\n'],
      [['fetch', '--al', 'http://h/x'], 'kiss: there is no flag --al\n'],
      [['fetch', '--limit', '3K', 'u'], 'kiss: there is no flag --limit; did you mean --limit-rate?\n'],
      [['fetch', '--output-document', 'x', 'u'], 'kiss: there is no flag --output-document; the flag is --output\n'],
      [['fetch', '-X', 'POST', 'u'], 'kiss: there is no flag -X; kiss sends GET\n'],
      [
        ['fetch', 'host.example:8001/x?token=secret'],
        'kiss: "host.example:8001/x?…" is not a URL; did you mean https://host.example:8001/x?…?\n',
      ],
      [['https://user:secret@host/x?token=secret'], 'kiss: a URL is no command; write kiss fetch URL\n'],
      [['pni', 'https://user:secret@host/x'], 'kiss: there is no command pni; kiss --help lists them\n'],
      [['stats', 'more'], 'kiss: kiss stats takes no such argument\n'],
      [['fetch'], 'kiss: name a URL, or with --input a file of them\n'],
      [['fetch', '--token=secret', 'http://h/x'], 'kiss: there is no flag --token\n'],
      [['fetch', '--ttl'], 'kiss: Flag --ttl expects a value\n'],
      [
        ['fetch', '--ttl', 'soon', 'http://h/x'],
        'kiss: --ttl: "soon" is not a duration; write 30s, 15m, 12h, 10d or 1h30m\n',
      ],
      [['fetch', 'host/x'], 'kiss: "host/x" is not a URL; did you mean https://host/x?\n'],
      [['purge'], 'kiss: name URLs or a filter; --all removes everything\n'],
    ]
    for (const [args, expected] of lines) {
      const { code, stdout, stderr } = await sandbox.run(args)
      assert.deepEqual([code, stdout, stderr], [2, '', expected], args.join(' '))
    }
  })

  it('says it as one object on stdout under --json, with the same exit code', async () => {
    for (const args of [
      ['fecth'],
      ['fetch'],
      ['fetch', '--token=secret', 'http://h/x'],
      ['list', '--sort', 'secret'],
    ]) {
      const { code, stdout, stderr } = await sandbox.run([...args, '--json'])
      assert.deepEqual([code, stderr], [2, ''], args.join(' '))
      const { error } = JSON.parse(stdout) as { error: { code: string; message: string } }
      assert.equal(error.code, 'usage')
      assert.equal(stdout.includes('=secret'), false)
    }
  })

  it('names file and line of a broken configuration, on stderr and under --json', async () => {
    writeFileSync(sandbox.configFile, '# kiss\nqouta: 1GiB\n')
    const message = `${sandbox.configFile}:2: there is no setting "qouta"`
    const plain = await sandbox.run(['list'])
    assert.deepEqual([plain.code, plain.stdout, plain.stderr], [2, '', `kiss: ${message}; did you mean quota?\n`])
    const json = await sandbox.run(['list', '--json'])
    assert.deepEqual([json.code, json.stderr], [2, ''])
    assert.deepEqual(JSON.parse(json.stdout), {
      error: { code: 'configuration', message, hint: 'did you mean quota?' },
    })
  })

  it('takes the file that --config or KISS_CONFIG names, and says when it is not there', async () => {
    const flag = await sandbox.run(['list', '--config', 'missing.yaml'])
    assert.equal(flag.code, 2)
    assert.match(flag.stderr, /cannot read the configuration file .*missing\.yaml: ENOENT/)
    writeFileSync(path.join(sandbox.cwd, 'bad.yaml'), 'port: x')
    const variable = await sandbox.run(['list'], { env: { KISS_CONFIG: 'bad.yaml' } })
    assert.equal(variable.code, 2)
    assert.match(variable.stderr, /bad\.yaml:1:7: port: "x" is not a whole number/)
  })

  it('still helps when the configuration is broken', async () => {
    writeFileSync(sandbox.configFile, 'plugins: {')
    const { code, stdout, stderr } = await sandbox.run(['fetch', '--help'])
    assert.equal(code, 0)
    assert.match(stdout, /USAGE/)
    assert.match(stderr, /config\.yaml:1:/)
  })

  it('does not look for TypeScript where NODE_ENV says test', async () => {
    const { code, stderr } = await sandbox.run(['fetch', '--help'], { env: { NODE_ENV: 'test' } })
    assert.deepEqual([code, stderr], [0, ''])
  })

  it('is quiet when the reader of its output leaves', async () => {
    mkdirSync(path.join(sandbox.root, 'x'))
    const { child, ended } = sandbox.start(['--help'])
    child.stdout.destroy()
    const { code, stderr } = await ended
    assert.deepEqual([code, stderr], [0, ''])
  })
})
