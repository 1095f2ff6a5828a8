import t from 'tap'
import { Recent } from '../../lib/store/recent'

t.test('a value is made once, and found again', async t => {
  const recent = new Recent(4)
  t.equal(recent.get('key', () => 'first'), 'first')
  t.equal(recent.get('key', () => 'second'), 'first')
})

t.test('what is asked for again and again stays, and the rest goes', async t => {
  const recent = new Recent(4)
  const made: string[] = []
  const ask = (key: string): void => { recent.get(key, () => { made.push(key); return key }) }
  ask('unused')
  for (let round = 0; round < 10; round++) {
    ask('used')
    ask(`once ${round}`)
  }
  t.equal(made.filter(key => key === 'used').length, 1)
  ask('unused')
  t.equal(made.filter(key => key === 'unused').length, 2)
})

t.test('it never holds more than it may', async t => {
  const recent = new Recent(10)
  for (let key = 0; key < 100; key++) recent.get(String(key), () => 'old')
  const found = Array.from({ length: 100 }, (_, key) => recent.get(String(99 - key), () => 'new')).filter(value => value === 'old')
  t.ok(found.length >= 5 && found.length <= 10, `${found.length} are remembered`)
})
