import t from 'tap'
import { NotFound, onlyAppid, type AppidPlace, type Place } from '../../lib/cli/place'
import { UsageError } from '../../lib/cli/usage'

function placeWith (...names: string[]): Place {
  return {
    async appids (appid?: string) {
      if (appid !== undefined && !names.includes(appid)) throw new NotFound(`no sessions of appid ${appid}`)
      return names.filter(name => appid === undefined || name === appid).map(appid => ({ appid }) as AppidPlace)
    }
  } as Place
}

t.test('the appid that was named, or the only one', async t => {
  t.match(await onlyAppid(placeWith('shop'), undefined), { appid: 'shop' })
  t.match(await onlyAppid(placeWith('admin', 'shop'), 'shop'), { appid: 'shop' })
  t.equal(await onlyAppid(placeWith(), undefined), null)
  await t.rejects(onlyAppid(placeWith('shop'), 'admin'), { constructor: NotFound, code: 'NOT_FOUND' })
  await t.rejects(onlyAppid(placeWith('admin', 'shop'), undefined),
    { constructor: UsageError, message: 'there are sessions of several apps (admin, shop): name one with --appid' })
})
