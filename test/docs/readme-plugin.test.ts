import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ProvidersHookOptions, UpstreamProvider } from '#kiss/provider/types.js'
import { providerContract, type ProviderSamples } from '../contract/provider.js'
import { writeReadmePlugin } from '../support/readme-plugin.js'

type Hook = (options: ProvidersHookOptions) => Promise<void>

const samples: ProviderSamples = {
  same: [
    ['lab:/builds/7/Image.gz', 'lab:/builds/7/Image.gz?a=1', 'lab:/builds/6/../7/Image.gz#top'],
    ['lab:/builds/8/a'],
  ],
  foreign: ['https://builds.lab.example/builds/7/Image.gz', 'lab:builds', 'lab:////elsewhere.example/a', 's3://lab/a'],
  credentials: ['lab://someone:pass@host/builds/7/Image.gz'],
  plain: ['lab:/builds/7/Image.gz', 'lab:/latest/Image.gz', 'lab://host/builds/7/Image.gz'],
  authorised: ['lab:/builds/7/Image.gz', 'lab:/latest/Image.gz'],
  secrets: ['token-of-the-lab', 'pass'],
}

describe('the plugin that the README shows', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'kiss-readme-'))
    writeReadmePlugin(folder)
  })
  after(() => rmSync(folder, { recursive: true }))

  async function provider(serving: boolean): Promise<UpstreamProvider> {
    const { default: hook } = (await import(pathToFileURL(path.join(folder, 'provider.js')).href)) as { default: Hook }
    const registered: UpstreamProvider[] = []
    await hook({
      register: (provider) => registered.push(provider),
      section: () => ({ server: 'https://builds.lab.example/' }),
      env: { LAB_TOKEN: 'token-of-the-lab' },
      http: () => Promise.reject(new Error('nothing is asked')),
      serving,
    })
    return registered[0]!
  }

  providerContract('on a command line, it', () => provider(false), samples)
  providerContract('in a server, it', () => provider(true), { ...samples, authorised: [] })
})
