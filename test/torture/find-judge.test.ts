import t from 'tap'

type Note = Record<string, unknown>
interface Judge {
  judgeFinding: (notes: Note[], limit: number) => Record<string, number>
}

const ONE = { chain: 'one', user: 'ada', team: 'red' }
const TWO = { chain: 'two', user: 'ada', team: 'blue' }
const answered = (stint: string, who: object, at: number): Note => ({ answered: stint, ...who, at })
const seen = (stint: string, who: object, from: number, handle = 'h'): Note => ({ seen: stint, ...who, handle, from, to: from + 1 })
const revokedAll = (from: number, more: Note = {}): Note => ({ revokedAll: 'user', value: 'ada', from, to: from + 5, ...more })

async function judged (notes: Note[], limit = 9): Promise<Record<string, number>> {
  const { judgeFinding } = await import('./find-judge.mjs' as string) as Judge
  return judgeFinding(notes, limit)
}

t.test('a session that had the value before revokeAll, and works after it, was missed', async t => {
  const before = answered('s', ONE, 10)
  t.equal((await judged([before, revokedAll(20), seen('s', ONE, 30)])).missed, 1)
  t.equal((await judged([seen('s', ONE, 10), revokedAll(20), seen('s', ONE, 30)])).missed, 1, 'one that another process saw')
  const innocent: Record<string, Note[]> = {
    'seen during the call': [before, revokedAll(20), seen('s', ONE, 22)],
    'answered during the call': [answered('s', ONE, 22), revokedAll(20), seen('s', ONE, 30)],
    'of another value': [before, revokedAll(20, { value: 'bob' }), seen('s', ONE, 30)],
    'that was to stay': [before, revokedAll(20, { except: 'one' }), seen('s', ONE, 30)],
    'of another user by then': [before, revokedAll(20), seen('t', { ...ONE, user: 'bob' }, 30)]
  }
  for (const [name, notes] of Object.entries(innocent)) t.equal((await judged(notes)).missed, 0, name)
})

t.test('an id that was ended must not work', async t => {
  t.equal((await judged([{ gone: 'h', to: 20 }, seen('s', ONE, 30)])).resurrected, 1)
  t.equal((await judged([{ gone: 'h', to: 20 }, seen('s', ONE, 15), seen('s', ONE, 30, 'other')])).resurrected, 0)
})

t.test('more logins alive at once than there may be exceed the limit', async t => {
  const both = [answered('s', ONE, 10), answered('t', TWO, 20), seen('t', TWO, 25)]
  t.equal((await judged([...both, seen('s', ONE, 30)], 1))['limits exceeded'], 1)
  t.equal((await judged([...both, seen('s', ONE, 30)], 2))['limits exceeded'], 0)
  t.equal((await judged([...both, seen('s', ONE, 15)], 1))['limits exceeded'], 0)
})

t.test('a session that was there all the time must be in a listing', async t => {
  const all = [answered('s', ONE, 10), seen('s', ONE, 40)]
  const found = (chains: string[], from = 20): Note => ({ found: chains, index: 'team', value: 'red', from, to: from + 5 })
  t.equal((await judged([...all, found([])]))['missing in a listing'], 1)
  t.equal((await judged([...all, found(['one'])]))['missing in a listing'], 0)
  t.equal((await judged([...all, found([], 38)]))['missing in a listing'], 0)
  t.equal((await judged([...all, found([]), { failed: 'one', from: 19, to: 22 }]))['missing in a listing'], 0, 'it was another for a moment')
  t.equal((await judged([...all, found([]), { failed: 'two', from: 19, to: 22 }, { failed: 'one', from: 11, to: 12 }]))['missing in a listing'], 1)
})

t.test('a session is listed with what was said of it at its login', async t => {
  const found = (chains: Array<string | null>): Note => ({ found: chains, index: 'team', value: 'red', from: 20, to: 25 })
  t.equal((await judged([found(['one', null]), found([null]), found(['two'])]))['listed without about'], 2)
  t.equal((await judged([answered('s', ONE, 10), found(['one'])]))['listed without about'], 0)
})
