import t from 'tap'
import { JsonSlices, SHORTEST_SLICED } from '../../lib/session/json-slices'
import { SlicedTexts } from '../../lib/session/sliced-texts'

const long = 'x'.repeat(SHORTEST_SLICED)

t.test('each text of a session is cut once', async t => {
  const texts = new SlicedTexts()
  const text = JSON.stringify({ long, n: 1 })
  const slices = texts.of('one', text)
  t.equal(texts.of('one', `${text} `.trim()), slices)
  t.not(texts.of('two', text), slices)
  const changed = JSON.stringify({ long, n: 2 })
  t.equal(texts.of('one', changed)?.slices.get('n')?.value, 2)
  t.equal(texts.of('one', '{}'), null)
  t.equal(texts.of('one', `${text} `), null)
  t.equal(texts.of('one', `${text} `), null, 'and so is that it cannot be cut')
})

t.test('a text that is about to be stored is not cut again', async t => {
  const texts = new SlicedTexts()
  const slices = JsonSlices.of(JSON.stringify({ long, n: 1 })) as JsonSlices
  texts.remember('one', slices)
  t.equal(texts.of('one', `${slices.text} `.trim()), slices)
  const next = slices.with(['long', 'n'], [slices.pieceOf('long', long), '"n":2'])
  texts.remember('one', next)
  texts.remember('one', next)
  t.equal(texts.of('one', next.text), next)
  t.not(texts.of('one', slices.text), slices, 'one text of each session')
})

t.test('the texts that were used last are remembered, up to a size', async t => {
  const texts = new SlicedTexts()
  const text = JSON.stringify({ long: 'x'.repeat(3 * 1024 * 1024) })
  const [one, two] = [texts.of('one', text), texts.of('two', text)]
  t.equal(texts.of('one', text), one)
  texts.of('three', text)
  t.equal(texts.of('one', text), one)
  t.not(texts.of('two', text), two)
})
