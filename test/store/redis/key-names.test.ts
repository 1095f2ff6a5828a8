import t from 'tap'
import { KeyNames, literally } from '../../../lib/store/redis/key-names'
import { storageName } from '../../../lib/store/session-id'

const NAME = storageName('sid', 'id')
const names = new KeyNames('app:', 'sid')

t.test('a key has prefix, appid and name, and the name alone decides about its slot', async t => {
  t.equal(names.keyOf(NAME), `app:sid:{${NAME}}`)
  t.equal(names.asideOf(NAME, 'call'), `app:sid:{${NAME}}:aside:call`)
  t.equal(names.nameOf(names.keyOf(NAME)), NAME)
  t.equal(names.nameOf(`prefix of the client ${names.keyOf(NAME)}`), NAME)
  for (const key of [names.asideOf(NAME, 'call'), 'app:sid:{}', `app:sid:{${NAME.toUpperCase()}}`, `app:sid:{${NAME}0}`, NAME]) t.equal(names.nameOf(key), null, key)
})

t.test('no appid makes a key of another one, nor another slot', async t => {
  const appids = ['sid', 'sid:{', 's*d', 'sid}', "it's", '!', '%2A', 'ü']
  const starts = appids.map(appid => new KeyNames('', appid).keyOf(NAME))
  t.equal(new Set(starts).size, appids.length)
  for (const start of starts) t.match(start, /^[\w.~()%-]+:\{[0-9a-f]{64}\}$/)
})

t.test('the pattern fits the sessions of the appid only, whatever the prefixes hold', async t => {
  t.equal(names.patternWith(''), 'app:sid:{*}')
  t.equal(new KeyNames('a[1]*:', 'sid').patternWith('c?^-\\'), 'c\\?\\^\\-\\\\a\\[1\\]\\*:sid:{*}')
  t.equal(names.prefixWith('client:'), 'client:app:sid:{')
  t.equal(literally('plain: text{}'), 'plain: text{}')
})
