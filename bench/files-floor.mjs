/**
 * The least that sessions in files of their own can cost: a look at the file for each request, JSON
 * parsed and printed to see what changed, an append for a save, one new file for a login. It loses
 * updates, checks nothing, and its files only grow: it shows what no package with such files can fall below.
 */
import { randomBytes } from 'node:crypto'
import { appendFileSync, closeSync, lstatSync, mkdirSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const COOKIE = { path: '/', httpOnly: true, sameSite: 'lax' }

export function addFilesFloor (app, dir) {
  mkdirSync(dir, { recursive: true })
  const texts = new Map()
  const pathOf = sesid => join(dir, sesid)

  app.decorateRequest('session', null)
  app.decorateRequest('sesid', null)

  app.addHook('preHandler', (request, reply, done) => {
    const { sid } = request.cookies
    const isThere = texts.has(sid) && lstatSync(pathOf(sid), { throwIfNoEntry: false }) !== undefined
    request.sesid = isThere ? sid : null
    request.session = isThere ? JSON.parse(texts.get(sid)) : {}
    done()
  })

  app.addHook('onSend', (request, reply, payload, done) => {
    const { session, sesid } = request
    if (session !== null) store(reply, sesid, JSON.stringify(session))
    done()
  })

  function store (reply, sesid, text) {
    if (text === (texts.get(sesid) ?? '{}')) return
    const name = sesid ?? randomBytes(24).toString('base64url')
    texts.set(name, text)
    if (sesid !== null) return appendFileSync(pathOf(sesid), text)
    const fd = openSync(pathOf(name), 'wx', 0o600)
    writeSync(fd, text)
    closeSync(fd)
    reply.setCookie('sid', name, COOKIE)
  }

  return {
    destroy (request) {
      texts.delete(request.sesid)
      unlinkSync(pathOf(request.sesid))
      request.session = null
    }
  }
}
