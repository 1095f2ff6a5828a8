import t from 'tap'
import { FileCache } from '../../../lib/store/files/file-cache'
import type { SessionFile } from '../../../lib/store/files/session-file'

/** As much of a session file as the cache sees. */
class FakeFile {
  view: { tip: { text: string } | null } | null = null
  released = 0

  release (): void {
    this.released++
  }
}

function fake (text?: string): { file: SessionFile, state: FakeFile } {
  const state = new FakeFile()
  if (text !== undefined) state.view = { tip: { text } }
  return { file: state as unknown as SessionFile, state }
}

t.test('all that goes on with a session at one time shares one file', async t => {
  const cache = new FileCache(10_000)
  const { file, state } = fake()
  t.equal(cache.get('id', () => file), file)
  t.equal(cache.get('id', () => fake().file), file, 'though it was not read yet')
  state.view = { tip: { text: 'text' } }
  cache.update('id', file)
  t.equal(cache.get('id', () => fake().file), file)
})

t.test('what is not there is not kept', async t => {
  const cache = new FileCache(10_000)
  const { file } = fake()
  cache.get('id', () => file)
  cache.update('id', file)
  const next = fake('text')
  t.equal(cache.get('id', () => next.file), next.file)
})

t.test('a file that was made anew gives way to one that is used on', async t => {
  const cache = new FileCache(10_000)
  const [first, second] = [fake(), fake('second')]
  cache.get('id', () => first.file)
  cache.update('id', first.file)
  cache.get('id', () => second.file)
  first.state.view = { tip: { text: 'first' } }
  cache.update('id', first.file)
  t.equal(cache.get('id', () => fake().file), first.file)
  t.equal(second.state.released, 1)
})

t.test('the cache is bounded in bytes, and closes what has to go', async t => {
  const cache = new FileCache(10_000)
  const files = Array.from({ length: 10 }, (_, index) => {
    const { file, state } = fake('x'.repeat(1000))
    cache.get(String(index), () => file)
    cache.update(String(index), file)
    return state
  })
  t.equal(files.filter(({ released }) => released === 1).length, 7, 'three times 2.5 KB fit')
  t.equal(files.at(-1)?.released, 0)
  cache.release()
  t.equal(files.filter(({ released }) => released === 1).length, 10)
})
