/**
 * The contract suite for any {@link UpstreamProvider}, also of third parties: a list of named checks that throw
 * assertion errors, for any test runner. Exported as `kiss-cache/provider-contract`; nothing of kiss loads it.
 */

import { authoriseChecks } from './contract-authorise.js'
import { failureChecks } from './contract-failures.js'
import { keyChecks } from './contract-keys.js'
import type { ContractCheck, MakeProvider, ProviderSamples } from './contract-samples.js'

export type { ContractCheck, MakeProvider, ProviderSamples, SampleFailure } from './contract-samples.js'

/**
 * @param make Makes a fresh provider each time it is called, always with the same settings.
 * @example
 * for (const check of providerChecks(() => new MyProvider(settings), samples)) it(check.name, check.run)
 */
export function providerChecks(make: MakeProvider, samples: ProviderSamples): ContractCheck[] {
  return [...keyChecks(make, samples), ...authoriseChecks(make, samples), ...failureChecks(make, samples)]
}
