import assert from 'node:assert/strict'
import hook from '#gitlab/providers.js'
import type { ProvidersHookOptions, UpstreamProvider } from '#kiss/provider/types.js'

async function registered(
  section: unknown,
  env: Record<string, string> = {},
  serving = false,
): Promise<UpstreamProvider[]> {
  const providers: UpstreamProvider[] = []
  const options: ProvidersHookOptions = {
    register: (provider) => void providers.push(provider),
    section: (name) => (name === 'gitlab' ? section : undefined),
    env,
    http: () => assert.fail('nothing is asked'),
    serving,
  }
  await (hook as unknown as (options: ProvidersHookOptions) => Promise<void>)(options)
  return providers
}

describe('the hook of the GitLab plugin', () => {
  it('registers one provider for each instance, under names apart', async () => {
    const providers = await registered([
      { host: 'gitlab.example.com' },
      { host: 'gitlab-example.com', share: 'never' },
      { host: 'http://127.0.0.1:8080/git' },
    ])
    assert.deepEqual(
      providers.map(({ name, share }) => [name, share]),
      [
        ['gitlab-com', 'all'],
        ['gitlab-example-com', 'all'],
        ['gitlab-example-com-2', 'never'],
        ['gitlab-http-127-0-0-1-8080-git', 'all'],
      ],
    )
  })

  it('lends by KISS_GITLAB_PROJECTS on a server, and gives a user all of his own', async () => {
    const asked = (provider: UpstreamProvider | undefined, url: string): Promise<unknown> =>
      provider!.authorise!(
        { method: 'GET', url: new URL(url), headers: {} },
        { signal: new AbortController().signal, asked: new URL(url), hop: 0, clientCredential: false },
      ).then(({ headers }) => headers['private-token'])
    const env = { GITLAB_TOKEN: 'secret', KISS_GITLAB_PROJECTS: 'lab/kernel' }
    const [[server], [laptop]] = [await registered(undefined, env, true), await registered(undefined, env)]
    const lent = 'https://gitlab.com/lab/kernel/-/raw/main/a'
    const other = 'https://gitlab.com/lab/other/-/raw/main/a'
    assert.deepEqual([await asked(server, lent), await asked(server, other)], ['secret', undefined])
    assert.deepEqual([await asked(laptop, lent), await asked(laptop, other)], ['secret', 'secret'])
  })

  it('shares on a server what nobody lent a token for with everybody, whatever is set for the rest', async () => {
    const section = [{ host: 'git.lab', token: 'secret', projects: ['lab/*'], share: 'never' }]
    const providers = await registered(section, {}, true)
    const owner = (url: string): unknown[] =>
      providers.filter((provider) => provider.matches(new URL(url))).map(({ name, share }) => [name, share])
    assert.deepEqual(owner('https://git.lab/lab/kernel/-/raw/main/a'), [['gitlab-git-lab-never', 'never']])
    for (const url of ['https://git.lab/open/kernel/-/raw/main/a', 'https://git.lab/lab/kernel']) {
      assert.deepEqual(owner(url), [['gitlab-git-lab', 'all']])
    }
    assert.equal((await registered(section)).length, 2)
  })

  it('fails on settings that make no sense', async () => {
    await assert.rejects(registered([{ host: 'a', kind: 'job' }]), /gitlab\[0\]\.kind: there is no token/)
  })
})
