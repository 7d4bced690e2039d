/** What every kind of lease has to do, whoever competes for it: processes on one directory, or nodes of a cluster. */

import assert from 'node:assert/strict'

/** What one member is told when it asks for a lease. */
export interface Granted {
  readonly mine: boolean
  /** Of the lease that it got, or that another one has. */
  readonly generation: number
}

export interface Member {
  acquire(id: string): Promise<Granted>
  /** Ends a lease that it has. */
  release(id: string): Promise<void>
  /** Would the cluster, or the directory, still take a body from it? */
  isLatest(id: string): Promise<boolean>
  /** Its process ends without a word. */
  die(): Promise<void>
}

/** Makes a member that competes with all others that it has made. */
export type Join = () => Promise<Member>

export function leaseContract(
  name: string,
  open: () => Promise<{ readonly join: Join; close(): Promise<void> }>,
): void {
  describe(`${name}: leases`, function () {
    let join: Join
    let close: () => Promise<void>
    beforeEach(async () => {
      const opened = await open()
      join = opened.join
      close = () => opened.close()
    })
    afterEach(() => close())

    it('are given to one of many members, and the others learn its generation', async () => {
      const members = await Promise.all(Array.from({ length: 10 }, () => join()))
      const all = await Promise.all(members.map((member) => member.acquire('a')))
      const winner = all.filter(({ mine }) => mine)
      assert.equal(winner.length, 1)
      for (const { generation } of all) assert.equal(generation, winner[0]?.generation)
    })

    it('of one key say nothing of another', async () => {
      const [one, other] = [await join(), await join()]
      assert.equal((await one.acquire('a')).mine, true)
      assert.equal((await other.acquire('b')).mine, true)
    })

    it('are free for the next member after their end', async () => {
      const [one, other] = [await join(), await join()]
      await one.acquire('a')
      await one.release('a')
      assert.equal((await other.acquire('a')).mine, true)
    })

    it('of a dead member go to one other, with a higher generation', async () => {
      const members = await Promise.all([join(), join(), join()])
      const dead = await members[0].acquire('a')
      await members[0].die()
      const all = await Promise.all(members.slice(1).map((member) => member.acquire('a')))
      const winner = all.filter(({ mine }) => mine)
      assert.equal(winner.length, 1)
      assert.ok((winner[0]?.generation ?? 0) > dead.generation)
    })

    it('are the latest until another member has taken over', async () => {
      const [one, other] = [await join(), await join()]
      await one.acquire('a')
      assert.equal(await one.isLatest('a'), true)
      await one.die()
      await other.acquire('a')
      assert.equal(await one.isLatest('a'), false)
      assert.equal(await other.isLatest('a'), true)
    })
  })
}
