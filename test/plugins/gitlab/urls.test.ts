import assert from 'node:assert/strict'
import { instanceOf, pathBelow, type Instance } from '#gitlab/instance.js'
import { GitLabProvider } from '#gitlab/provider.js'
import { readUrl } from '#gitlab/read.js'
import { canonicalUrl, requestUrl } from '#gitlab/resource.js'
import { readSettings } from '#gitlab/settings.js'

const lab = instanceOf('gitlab.example.com')!
const api = 'https://gitlab.example.com/api/v4/projects/lab%2Fkernel'
const web = 'https://gitlab.example.com/lab/kernel/-'
const sha = '0123456789abcdef0123456789abcdef01234567'

function canonical(url: string, instance: Instance = lab): string | undefined {
  const resource = readUrl(instance, new URL(url))
  return resource && canonicalUrl(instance, resource).href
}

describe('URLs of GitLab', () => {
  const pages: [web: string, api: string][] = [
    [`${web}/jobs/1/artifacts/download`, `${api}/jobs/1/artifacts`],
    [`${web}/jobs/1/artifacts/download?file_type=archive`, `${api}/jobs/1/artifacts`],
    [`${web}/jobs/1/artifacts/browse`, `${api}/jobs/1/artifacts`],
    [`${web}/jobs/1/artifacts/raw/arch/Image.gz`, `${api}/jobs/1/artifacts/arch/Image.gz`],
    [`${web}/jobs/1/artifacts/raw/arch/Image.gz?inline=false`, `${api}/jobs/1/artifacts/arch/Image.gz`],
    [`${web}/jobs/1/artifacts/file/arch/Image.gz`, `${api}/jobs/1/artifacts/arch/Image.gz`],
    [`${web}/jobs/1/artifacts/browse/arch/Image.gz`, `${api}/jobs/1/artifacts/arch/Image.gz`],
    [`${web}/jobs/1/artifacts/raw/a%20b/c+d`, `${api}/jobs/1/artifacts/a%20b/c%2Bd`],
    [`${web}/jobs/artifacts/main/download?job=build`, `${api}/jobs/artifacts/main/download?job=build`],
    [`${web}/jobs/artifacts/main/browse?job=build`, `${api}/jobs/artifacts/main/download?job=build`],
    [`${web}/jobs/artifacts/main/raw/a/b?job=build`, `${api}/jobs/artifacts/main/raw/a/b?job=build`],
    [`${web}/jobs/artifacts/main/file/a/b?job=build`, `${api}/jobs/artifacts/main/raw/a/b?job=build`],
    [`${web}/jobs/artifacts/main/browse/a/b?job=build`, `${api}/jobs/artifacts/main/raw/a/b?job=build`],
    [
      `${web}/jobs/artifacts/feature/x/raw/a?job=build%20arm`,
      `${api}/jobs/artifacts/feature%2Fx/raw/a?job=build%20arm`,
    ],
    [`${web}/jobs/artifacts/feature/x/download?job=b`, `${api}/jobs/artifacts/feature%2Fx/download?job=b`],
    [`${web}/raw/main/README`, `${api}/repository/files/README/raw?ref=main`],
    [`${web}/raw/main/a/b%20c.dts?inline=false`, `${api}/repository/files/a%2Fb%20c.dts/raw?ref=main`],
    [`${web}/blob/main/a/b`, `${api}/repository/files/a%2Fb/raw?ref=main`],
    [`${web}/raw/feature%2Fx/a/b`, `${api}/repository/files/a%2Fb/raw?ref=feature%2Fx`],
    [`${web}/raw/main/a?ref_type=heads`, `${api}/repository/files/a/raw?ref=refs%2Fheads%2Fmain`],
    [`${web}/releases/v1/downloads/bin/kiss`, `${api}/releases/v1/downloads/bin/kiss`],
    [`${web}/releases/permalink/latest/downloads/kiss`, `${api}/releases/permalink/latest/downloads/kiss`],
  ]
  for (const [from, to] of pages) {
    it(`takes ${from.slice(web.length)} for ${to.slice(api.length)}`, () => {
      assert.equal(canonical(from), to)
      assert.equal(canonical(to), to, 'the canonical URL is canonical')
    })
  }

  const apis: [as: string, canonical: string][] = [
    [
      'https://gitlab.example.com/api/v4/projects/lab%2fkernel/jobs/1/artifacts',
      'https://gitlab.example.com/api/v4/projects/lab%2Fkernel/jobs/1/artifacts',
    ],
    [`${api}/jobs/artifacts/feature/x/download?job=b`, `${api}/jobs/artifacts/feature%2Fx/download?job=b`],
    [`${api}/repository/files/a%2Fb/raw?lfs=true&ref=main`, `${api}/repository/files/a%2Fb/raw?ref=main`],
    [`${api}/repository/files/a%2Fb/raw?ref=main&lfs=false`, `${api}/repository/files/a%2Fb/raw?lfs=false&ref=main`],
    [`${api}/repository/blobs/${sha}/raw`, `${api}/repository/blobs/${sha}/raw`],
    [`${api}/repository/archive.tar.gz?sha=main&path=a`, `${api}/repository/archive.tar.gz?path=a&sha=main`],
    [`${api}/packages/generic/boot/1.0/a%20b.img`, `${api}/packages/generic/boot/1.0/a%20b.img`],
    [
      'https://gitlab.example.com/api/v4/projects/42/packages/3/package_files/4/download',
      'https://gitlab.example.com/api/v4/projects/42/packages/3/package_files/4/download',
    ],
    [
      'https://gitlab.example.com/api/v4/projects/42/jobs/1/artifacts/x',
      'https://gitlab.example.com/api/v4/projects/42/jobs/1/artifacts/x',
    ],
  ]
  for (const [from, to] of apis) {
    it(`takes ${from.slice(46)} for ${to.slice(46)}`, () => {
      assert.equal(canonical(from), to)
      assert.equal(canonical(to), to)
    })
  }

  it('keeps the web URL of an archive, because the API packs it under another top directory', () => {
    assert.equal(canonical(`${web}/archive/v1/kernel-v1.tar.gz`), `${web}/archive/v1/kernel-v1.tar.gz`)
    assert.equal(canonical(`${web}/archive/a%2Fb/kernel-a-b.zip`), `${web}/archive/a/b/kernel-a-b.zip`)
    assert.notEqual(canonical(`${web}/archive/v1/k.tar.gz`), canonical(`${api}/repository/archive.tar.gz?sha=v1`))
  })

  it('keeps the web URL of a package file, because the API wants the number of its package as well', () => {
    assert.equal(canonical(`${web}/package_files/12/download`), `${web}/package_files/12/download`)
    assert.equal(canonical(`${api}/packages/3/package_files/12/download`), `${web}/package_files/12/download`)
  })

  it('takes subgroups for part of the project', () => {
    assert.equal(
      canonical('https://gitlab.example.com/a/b/c/-/jobs/1/artifacts/download'),
      'https://gitlab.example.com/api/v4/projects/a%2Fb%2Fc/jobs/1/artifacts',
    )
  })

  const others = [
    'https://gitlab.example.com/',
    'https://gitlab.example.com/lab/kernel',
    'https://gitlab.example.com/lab/-/jobs/1/artifacts/download',
    `${web}/constructor/1`,
    `${web}/jobs/1/raw`,
    `${web}/jobs/1/artifacts/raw`,
    `${web}/jobs/x/artifacts/download`,
    `${web}/jobs/1/artifacts/download?file_type=junit`,
    `${web}/raw/main`,
    `${web}/tree/main/a`,
    `${web}/settings/ci_cd`,
    'https://gitlab.example.com/api/v4/user',
    `${api}/variables`,
    `${api}/packages`,
    `${api}/packages/3`,
    `${api}/repository/files/a`,
    `${api}/jobs/1/trace`,
    `${api}/jobs/1/artifacts/%E0%A4%A`,
    `${api}/jobs/1/artifacts/a%2F..%2F..%2Fb`,
    `${api}/jobs/1/artifacts/a//b`,
    'https://gitlab.example.com/api/v4/projects/lab%2F..%2Fsecret/jobs/1/artifacts',
    'https://gitlab.example.com/api/v4/projects/lab/jobs/1/artifacts',
    'https://gitlab.example.org/lab/kernel/-/raw/main/a',
    'http://gitlab.example.com/lab/kernel/-/raw/main/a',
    'https://gitlab.example.com:8443/lab/kernel/-/raw/main/a',
  ]
  for (const url of others) {
    it(`takes ${url.slice(8)} for no download`, () => assert.equal(canonical(url), undefined))
  }

  it('has the longer refs at hand where a slash may belong to the ref', () => {
    const resource = readUrl(lab, new URL(`${web}/raw/a/b/c/d/e/f/g`))!
    assert.deepEqual(
      [resource, ...resource.others!].map((address) => canonicalUrl(lab, { ...resource, ...address }).href),
      [
        `${api}/repository/files/b%2Fc%2Fd%2Fe%2Ff%2Fg/raw?ref=a`,
        `${api}/repository/files/c%2Fd%2Fe%2Ff%2Fg/raw?ref=a%2Fb`,
        `${api}/repository/files/d%2Fe%2Ff%2Fg/raw?ref=a%2Fb%2Fc`,
      ],
    )
  })

  it('needs no other reading of a full commit id, of an encoded slash and of the API', () => {
    for (const url of [`${web}/raw/${sha}/a/b`, `${web}/raw/a%2Fb/c/d`, `${api}/repository/files/a%2Fb/raw?ref=c`]) {
      assert.equal(readUrl(lab, new URL(url))?.others, undefined, url)
    }
  })

  it('asks for the content of a file in Git LFS, unless its pointer is wanted', () => {
    const request = (url: string): string => requestUrl(lab, readUrl(lab, new URL(url))!).href
    assert.equal(request(`${web}/raw/main/a`), `${api}/repository/files/a/raw?lfs=true&ref=main`)
    assert.equal(
      request(`${api}/repository/files/a/raw?ref=main&lfs=false`),
      `${api}/repository/files/a/raw?lfs=false&ref=main`,
    )
  })
})

describe('any URL below an instance of GitLab', () => {
  const pieces = [
    ...[
      'api/v4/projects/',
      'lab',
      'lab/kernel',
      'lab%2Fkernel',
      '7',
      '/-/',
      '/',
      '//',
      'jobs',
      'artifacts',
      'raw',
      'file',
    ],
    ...['download', 'browse', 'repository', 'files', 'archive.zip', 'archive', 'packages', 'generic', 'package_files'],
    ...[
      'releases',
      'permalink',
      'latest',
      'downloads',
      'blob',
      'main',
      'v1',
      'a b',
      '%2E%2E',
      '..%2F',
      '%',
      '%00',
      '\u00fc',
    ],
  ]
  const paths = [
    ...[
      'lab/kernel/-/raw/',
      'lab/a/b/-/jobs/1/artifacts/raw/',
      'lab/kernel/-/jobs/artifacts/',
      'lab/kernel/-/archive/',
    ],
    ...['lab/kernel/-/releases/', 'api/v4/projects/7/jobs/1/artifacts/', 'api/v4/projects/lab%2Fa/repository/files/'],
    ...['api/v4/projects/7/packages/generic/', 'api/v4/projects/lab%2fa/jobs/artifacts/', 'lab/kernel/-/', ''],
  ]
  const parameters = [
    ...['job=x', 'ref=main', 'ref=', 'sha=v1', 'lfs=true', 'inline', 'ref_type=tags', 'file_type=archive', '%', '='],
    ...['private_token=s3cret', 'JOB-TOKEN=s3cret', 'token[]=s3cret', 'access%5Ftoken=s3cret'],
  ]
  // A linear congruential generator (Numerical Recipes): the same URLs in every run.
  let seed = 5
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }

  const some = (words: readonly string[], n: number): string[] =>
    Array.from({ length: n }, () => words[random(words.length)]!)

  it('has a key of its own kind that is its own key, and holds no secret', () => {
    const gitlab = new GitLabProvider({ name: 'x', serving: true, settings: readSettings(undefined, {})[0]! })
    let read = 0
    for (let n = 0; n < 50_000; n += 1) {
      const path = [
        some(paths, 1)[0]!,
        ...some(pieces, random(6)).map((piece) => `${piece}${random(2) === 0 ? '/' : ''}`),
      ]
      const url = new URL(
        `https://u:s3cret@gitlab.com/${path.join('')}?${some(parameters, random(4)).join('&')}#s3cret`,
      )
      const key = gitlab.cacheKey(url)
      if (readUrl(instanceOf('gitlab.com')!, url) !== undefined) read += 1
      assert.ok(!key.href.includes('s3cret'), url.href)
      assert.ok(gitlab.matches(key), url.href)
      assert.equal(gitlab.cacheKey(key).href, key.href, url.href)
      assert.equal(gitlab.ttl(url), gitlab.ttl(key), url.href)
    }
    assert.ok(read > 2_000, `only ${read} were downloads`)
  })
})

describe('an instance of GitLab', () => {
  const hosts: [written: string, base: string | undefined][] = [
    ['gitlab.example.com', 'https://gitlab.example.com'],
    [' GitLab.example.com/ ', 'https://gitlab.example.com'],
    ['gitlab.example.com:8443', 'https://gitlab.example.com:8443'],
    ['https://gitlab.example.com:443', 'https://gitlab.example.com'],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['https://example.com/gitlab/', 'https://example.com/gitlab'],
    ['example.com/gitlab', 'https://example.com/gitlab'],
    ['https://gitlab.example.com/api/v4', 'https://gitlab.example.com'],
    ['[::1]:3000', 'https://[::1]:3000'],
    ['ssh://gitlab.example.com', undefined],
    ['https://user:secret@gitlab.example.com', undefined],
    ['https://gitlab.example.com/?a', undefined],
    ['', undefined],
    ['not a host', undefined],
  ]
  for (const [written, base] of hosts) {
    it(`is written ${JSON.stringify(written)}`, () => assert.equal(instanceOf(written)?.base, base))
  }

  it('below a path leaves what lies beside it', () => {
    const instance = instanceOf('https://example.com/gitlab')!
    assert.equal(pathBelow(instance, new URL('https://example.com/gitlab/a/b?c')), 'a/b')
    assert.equal(pathBelow(instance, new URL('https://example.com/gitlab')), '')
    for (const path of ['/', '/gitlab2/a', '/wiki', '/gitlab/../wiki', '/gitlab%2Fa']) {
      assert.equal(pathBelow(instance, new URL(path, 'https://example.com')), undefined, path)
    }
    assert.equal(
      canonical('https://example.com/gitlab/lab/kernel/-/jobs/1/artifacts/download', instance),
      'https://example.com/gitlab/api/v4/projects/lab%2Fkernel/jobs/1/artifacts',
    )
  })
})
