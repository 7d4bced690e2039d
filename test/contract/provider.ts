/** The provider contract as a mocha suite: every provider's test calls it with samples of its own. */

import { providerChecks, type MakeProvider, type ProviderSamples } from '#kiss/provider/contract.js'

export type { MakeProvider, ProviderSamples, SampleFailure } from '#kiss/provider/contract.js'

export function providerContract(name: string, make: MakeProvider, samples: ProviderSamples): void {
  describe(`${name} keeps the provider contract: it`, () => {
    for (const check of providerChecks(make, samples)) it(check.name, () => check.run())
  })
}
