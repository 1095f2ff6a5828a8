import t from 'tap'
import { fromColumn, toColumn } from '../../../lib/store/postgres/text-column'
import { anyText } from '../../support/any-text'
import fc from '../../support/fast-check'

const texts = fc.oneof(fc.string({ unit: fc.constantFrom('\0', '\u0001', '\ufeff', 'a', '"', '\\', '🍪') }), anyText())

t.test('every text comes back', async t => {
  fc.assert(fc.property(texts, text => fromColumn(toColumn(text)) === text))
  t.pass()
})

t.test('a column holds no U+0000 and no byte order mark at its beginning', async t => {
  fc.assert(fc.property(texts, text => !toColumn(text).includes('\0') && !toColumn(text).startsWith('\ufeff')))
  t.pass()
})

t.test('JSON is kept as it is', async t => {
  fc.assert(fc.property(fc.json(), text => toColumn(text) === text))
  t.pass()
})
