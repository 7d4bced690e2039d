import assert from 'node:assert/strict'
import {
  figureNames,
  type FigureName,
  intervalsOf,
  type Sample,
  spanNames,
  spans,
  totalOf,
} from '#kiss/store/figures/intervals.js'
import type { FailureRecord } from '#kiss/store/figures/failure-list.js'
import { SILENT } from '#kiss/store/figures/figures.js'
import { Fixture } from '../support.js'

const span = { step: 10, length: 50 }
const nothing = Object.fromEntries(figureNames.map((name) => [name, 0])) as Record<FigureName, number>
const sample = (at: number, served: number): Sample => ({ ...nothing, at, served, downloaded: served / 2 })
const servedIn = (samples: readonly Sample[], now: number): (number | undefined)[] =>
  intervalsOf(samples, span, now).map(({ amounts }) => amounts?.served)

describe('the intervals of a span', () => {
  it('hold the amounts between two samples', () => {
    const samples = [sample(50, 0), sample(60, 7), sample(70, 7), sample(80, 10), sample(90, 20), sample(100, 21)]
    assert.deepEqual(servedIn(samples, 109), [7, 0, 3, 10, 1])
    assert.deepEqual(
      intervalsOf(samples, span, 109).map(({ at }) => at),
      [50, 60, 70, 80, 90],
    )
  })

  it('are unknown before the first sample and after the last', () => {
    assert.deepEqual(servedIn([sample(70, 5), sample(80, 9)], 100), [undefined, undefined, 4, undefined, undefined])
    assert.deepEqual(servedIn([], 100), Array(5).fill(undefined))
  })

  it('spread the amounts between distant samples evenly', () => {
    assert.deepEqual(servedIn([sample(60, 0), sample(90, 9)], 100), [undefined, 3, 3, 3, undefined])
  })

  it('begin anew where the counters did', () => {
    assert.deepEqual(servedIn([sample(80, 100), sample(90, 4)], 90), [undefined, undefined, undefined, undefined, 4])
  })

  it('add up', () => {
    const { served, downloaded } = totalOf(intervalsOf([sample(60, 0), sample(70, 6), sample(80, 8)], span, 100))
    assert.deepEqual([served, downloaded], [8, 4])
  })
})

describe('the figures of a directory', () => {
  const fixture = new Fixture()
  beforeEach(() => fixture.begin())
  afterEach(() => fixture.end())

  it('count once what several processes note at the same time, also across a restart', async () => {
    fixture.now = 1_000_000_000
    const [first, second] = [await fixture.open(), await fixture.open()]
    await Promise.all([first.figures.note(), second.figures.note()])
    first.counters.add('served_hit', 30)
    first.counters.add('requests_hit', 3)
    second.counters.add('served_miss', 10)
    second.counters.add('downloaded', 10)
    second.counters.add('requests_miss', 1)
    await Promise.all([first.flush(), second.flush()])
    fixture.now += 10_000
    await Promise.all([first.figures.note(), second.figures.note(), first.figures.note()])
    await fixture.close(first)
    await fixture.close(second)

    const third = await fixture.open()
    assert.deepEqual(totalOf(await third.figures.history('hour')), {
      ...nothing,
      downloaded: 10,
      served: 40,
      served_hit: 30,
      served_miss: 10,
      answered: 4,
      hits: 3,
    })
  })

  it('keep no more of the past than the spans say', async () => {
    const store = await fixture.open()
    const { step, length } = spans.hour
    for (let i = 0; i < length / step + 20; i++) {
      await store.figures.note()
      fixture.now += step
    }
    for (const name of spanNames) {
      const intervals = await store.figures.history(name)
      assert.equal(intervals.length, spans[name].length / spans[name].step)
    }
    const known = (await store.figures.history('hour')).filter(({ amounts }) => amounts !== undefined)
    assert.equal(known.length, length / step - 1)
  })

  it('have sums under any name, over all processes', async () => {
    const [first, second] = [await fixture.open(), await fixture.open()]
    first.figures.add('a', 2)
    second.figures.add('a', 3)
    second.figures.add('b', 1)
    await Promise.all([first.flush(), second.flush()])
    first.figures.add('b', 1)
    assert.deepEqual(Object.fromEntries(await first.figures.sums()), { a: 5, b: 2 })
    assert.deepEqual(Object.fromEntries(await second.figures.sums()), { a: 5, b: 1 })
  })

  it('add up the bytes served of each host, and keep the thousand most served', async () => {
    const [first, second] = [await fixture.open(), await fixture.open()]
    first.figures.servedOf('a.example', 5)
    second.figures.servedOf('a.example', 7)
    for (let i = 0; i < 1_000; i++) second.figures.servedOf(`${i}.example`, i + 1)
    await Promise.all([first.flush(), second.flush()])
    await first.figures.note()
    const hosts = await first.figures.hosts()
    assert.equal(hosts.length, 1_000)
    assert.deepEqual(hosts[0], { host: '999.example', served: 1_000 })
    assert.deepEqual(
      hosts.find(({ host }) => host === 'a.example'),
      { host: 'a.example', served: 12 },
    )
    assert.equal(
      hosts.some(({ host }) => host === '0.example'),
      false,
    )
  })

  it('know the processes that said something lately', async () => {
    const [first, second] = [await fixture.open({ owner: 'a' }), await fixture.open({ owner: 'b' })]
    await first.figures.tell({ memory: 1 })
    await second.figures.tell({ memory: 5 })
    await first.figures.tell({ memory: 2 })
    assert.deepEqual(await first.figures.processes(), [{ memory: 2 }, { memory: 5 }])
    fixture.now += SILENT
    await second.figures.tell({ memory: 6 })
    assert.deepEqual(await first.figures.processes(), [{ memory: 6 }])
    await second.figures.leave()
    assert.deepEqual(await first.figures.processes(), [])
  })
})

describe('the failures of a directory', () => {
  const fixture = new Fixture()
  beforeEach(() => fixture.begin())
  afterEach(() => fixture.end())
  const failure = (at: number): FailureRecord => ({
    url: 'https://o/f',
    at,
    code: 'disk',
    message: 'no',
    private: false,
  })

  it('are one list for all processes, newest first, and survive them', async () => {
    const [first, second] = [await fixture.open(), await fixture.open()]
    first.failures.add(failure(1))
    second.failures.add(failure(2))
    await Promise.all([first.flush(), second.flush()])
    first.failures.add(failure(3))
    const times = async (store: typeof first): Promise<number[]> => (await store.failures.read()).map(({ at }) => at)
    assert.deepEqual(
      [await times(first), await times(second)],
      [
        [3, 2, 1],
        [2, 1],
      ],
    )
    await fixture.close(first)
    assert.deepEqual(await times(await fixture.open()), [3, 2, 1])
  })

  it('are no more than 500, however many there are', async () => {
    const store = await fixture.open()
    for (let at = 0; at < 1200; at++) {
      store.failures.add(failure(at))
      if (at % 400 === 0) await store.flush()
    }
    await store.flush()
    const times = (await store.failures.read()).map(({ at }) => at)
    assert.deepEqual([times.length, times[0], times.at(-1)], [500, 1199, 700])
  })
})

describe('the readers and the segments of downloads', () => {
  const fixture = new Fixture()
  beforeEach(() => fixture.begin())
  afterEach(() => fixture.end())

  it('are told to the other processes, until they leave', async () => {
    const [first, second] = [await fixture.open(), await fixture.open()]
    for (const what of ['readers', 'segments'] as const) {
      const [here, there] = [first[what], second[what]]
      here.set('a', 1)
      here.set('a', 3)
      here.set('b', 1)
      here.set('c', 1)
      here.set('c', 0)
      await first.flush()
      assert.deepEqual(Object.fromEntries(await there.elsewhere()), { a: 3, b: 1 })
      assert.equal((await here.elsewhere()).size, 0)
      here.set('a', 0)
      await first.flush()
      assert.deepEqual(Object.fromEntries(await there.elsewhere()), { b: 1 })
    }
  })

  it('go with their process', async () => {
    const dead = { boot: 'another', pid: 1, started: 1, namespace: '' }
    const [gone, here] = [await fixture.open({ owner: JSON.stringify(dead) }), await fixture.open()]
    gone.readers.set('a', 5)
    await gone.flush()
    assert.equal((await here.readers.elsewhere()).size, 0)
  })
})
