import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withApp } from './visit.mjs'

/**
 * Follows a migration guide in an empty directory: installs what it starts from, runs the app
 * before, does what the guide says, and runs the app after. Both must behave the same.
 */
export async function followGuide (page, directory, { npm, tarball }) {
  const snippet = snippetsOf(page)
  mkdirSync(directory)
  writeFileSync(join(directory, 'package.json'), '{ "private": true }')

  runNpm(snippet('before-install'))
  writeFileSync(join(directory, 'app.mjs'), snippet('before'))
  const cookie = await visitApp(directory)

  runNpm(snippet('after-install'))
  writeFileSync(join(directory, 'app.mjs'), snippet('after'))
  await visitApp(directory)
  await withApp(process.execPath, 'app.mjs', directory, async visitor => {
    visitor.cookie = cookie
    assert.deepEqual(await visitor.get('/'), { visits: 1 }, 'the old cookie names no session')
    assert.notEqual(visitor.cookie, cookie)
  })

  if (snippet.has('import')) await keepVisitors()

  /** The way on which nobody is logged out: with the old sessions and cookies. */
  async function keepVisitors () {
    rmSync(join(directory, 'sessions'), { recursive: true })
    const [command, ...parameters] = snippet('import').trim().split(' ')
    execFileSync(command, parameters, { cwd: directory })
    runNpm(snippet('import-install'))
    const registration = /const app = Fastify\(\)\napp\.register\(.*?\n\}\)\n/s
    assert.match(snippet('after'), registration)
    writeFileSync(join(directory, 'app.mjs'), snippet('after').replace(registration, () => snippet('keep-cookies')))
    await withApp(process.execPath, 'app.mjs', directory, async visitor => {
      visitor.cookie = cookie
      assert.deepEqual(await visitor.get('/'), { visits: 2 }, 'the old session goes on')
      assert.equal(visitor.cookie, cookie)
      await visitor.post('/login', { name: 'Ada' })
      assert.deepEqual(await visitor.get('/'), { visits: 3, user: 'Ada' })
      visitor.cookie = cookie.slice(0, -4) + 'fake'
      assert.deepEqual(await visitor.get('/'), { visits: 1 }, 'a forged signature is worth nothing')
    })
    await visitApp(directory)
  }

  function runNpm (text) {
    for (const line of text.trim().split('\n')) {
      const [command, ...parameters] = line.split(' ')
      assert.equal(command, 'npm')
      npm(directory, ...parameters.map(name => name === 'fastify-file-sessions' ? tarball : name))
    }
  }
}

/** Logs in, counts, logs out; answers the cookie of a session that goes on. */
async function visitApp (directory) {
  return await withApp(process.execPath, 'app.mjs', directory, async visitor => {
    assert.deepEqual(await visitor.get('/'), { visits: 1 })
    const anonymous = visitor.cookie
    assert.match(anonymous, /^sid=./)
    assert.deepEqual(await visitor.post('/login', { name: 'Ada' }), { hello: 'Ada' })
    assert.notEqual(visitor.cookie, anonymous)
    assert.deepEqual(await visitor.get('/'), { visits: 2, user: 'Ada' }, 'still logged in')
    await visitor.post('/logout', {})
    assert.deepEqual(await visitor.get('/'), { visits: 1 }, 'logged out')
    return visitor.cookie
  })
}

function snippetsOf (page) {
  const text = readFileSync(page, 'utf8')
  const has = name => text.includes(`<!-- snippet: ${name} -->\n`)
  return Object.assign(name => {
    const [, code] = new RegExp(`<!-- snippet: ${name} -->\n\`\`\`\\w+\n(.*?)\`\`\``, 's').exec(text) ?? []
    assert.ok(code, `${page} has a snippet ${name}`)
    return code
  }, { has })
}
