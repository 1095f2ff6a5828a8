import t from 'tap'
import { explainNothing } from '../../lib/cli/found-nothing'
import type { AppidPlace, Unreadable } from '../../lib/cli/place'
import { SessionError } from '../../lib/errors'
import { SessionCipher } from '../../lib/store/session-cipher'
import { headFor } from '../../lib/store/session-header'
import type { PortableSession } from '../../lib/store/store-abilities'
import { testTerminal } from '../support/terminal'

const [OURS, OTHER] = ['a secret of the app, of 32 characters and more', 'another secret, of 32 characters and more']
const HEAD = headFor({ indexed: { 'user:label': 'login' } })

function encryption (...secrets: string[]) {
  return { secrets, acceptPlain: true, writePlain: false }
}

/** What standard error says where nothing was found among sessions with these texts. */
async function explained (texts: Array<string | Unreadable>, secrets?: string[]): Promise<string> {
  const place = {
    appid: 'shop',
    async * sessions () {
      for (const text of texts) yield typeof text === 'string' ? { name: 'a', text } as PortableSession : text
    }
  } as unknown as AppidPlace
  const { terminal, printed } = testTerminal()
  await explainNothing(place, { index: 'user', encryption: secrets === undefined ? undefined : encryption(...secrets) }, terminal)
  return printed.err
}

t.test('where no session is in the index, the names of indexes are to be looked up', async t => {
  const message = "file-sessions: no session of appid shop is in an index user: the names are those in the app's option indexes\n"
  t.equal(await explained([]), message)
  t.equal(await explained(['{}', `${headFor({ indexed: { 'users:label': 'login' } })}{}`, { error: new SessionError('SESSION_FILE', 'no') }]), message)
})

t.test('where one is in it, and values are not hashed under a secret, the value has none', async t => {
  t.equal(await explained(['{}', `${HEAD}{}`]), '')
  t.equal(await explained([new SessionCipher('shop', { secrets: undefined, acceptPlain: true, writePlain: false }).seal('id', '{}', HEAD)]), '')
})

t.test('a secret that is missing is an error that names it', async t => {
  const cipher = new SessionCipher('shop', encryption(OURS))
  const sealed = cipher.seal('id', '{}', HEAD)
  const [keyId] = cipher.keyIds
  t.equal(await explained([sealed], [OTHER, OURS]), '')
  await t.rejects(explained([sealed]), { code: 'SECRETS', message: `the app hashes what is in the index user under secret ${keyId}: name a file that holds it with --secrets <file>` })
  await t.rejects(explained([sealed], [OTHER]), { code: 'SECRETS', message: `under secret ${keyId}, which is not in the file of secrets` })
})
