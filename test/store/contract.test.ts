import { storeContract } from '../contract/store.js'
import type { StoreUnderTest } from '../contract/store-under-test.js'
import { Fixture } from './support.js'

describe('the store on disk', () => {
  const fixture = new Fixture()
  beforeEach(() => fixture.begin())
  afterEach(() => fixture.end())

  async function open(): Promise<StoreUnderTest> {
    const store = await fixture.open()
    const { entries, blobs, counters, space } = store
    return {
      entries,
      blobs,
      counters,
      space,
      publish: (file, entry) => store.publish(file, entry),
      scratch: () => fixture.scratch,
      async reopen() {
        await store.flush()
        return open()
      },
    }
  }

  storeContract('SQLite and files', open)
})
