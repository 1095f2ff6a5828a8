import fs from 'node:fs'

/**
 * Puts itself between this process and its system calls, whichever of Node's ways they take: with a callback, at once,
 * or by promise. So an attack decides what the kernel answers, or what happens just before a call, and needs to know
 * nothing of the code that calls.
 */

const FILE_HANDLE = { fsync: 'sync', fdatasync: 'datasync', fstat: 'stat', write: 'write' }
const statuses = new Set(['stat', 'lstat', 'fstat'])
const hooks = new Map()

/**
 * Calls `hook(target, ...rest)` before each call of this name; `target` is its first argument, a path or a descriptor.
 * What the hook throws, the call fails with. If it returns a function, the call's result goes through that.
 */
export function hook (name, hook) {
  const list = hooks.get(name)
  if (list !== undefined) {
    list.push(hook)
    return
  }
  hooks.set(name, [hook])
  patchNow(name)
  patchCallback(name)
  patchPromise(name)
}

/** An error as the kernel's become them in Node. */
export function systemError (code, syscall, errno = -5) {
  return Object.assign(new Error(`${code}: made to fail, ${syscall}`), { code, syscall, errno })
}

function ask (name, args) {
  let change = result => result
  for (const hook of hooks.get(name)) {
    const next = hook(...args)
    if (typeof next !== 'function') continue
    const before = change
    change = result => next(before(result))
  }
  return change
}

function patchNow (name) {
  const original = fs[`${name}Sync`]
  if (original === undefined) return
  // Some have members, such as realpath.native.
  fs[`${name}Sync`] = Object.assign((...args) => {
    let change
    try {
      change = ask(name, args)
    } catch (error) {
      if (error.code === 'ENOENT' && statuses.has(name) && args[1]?.throwIfNoEntry === false) return undefined
      throw error
    }
    const result = original(...args)
    return result === undefined && statuses.has(name) ? result : change(result)
  }, original)
}

function patchCallback (name) {
  const original = fs[name]
  if (original === undefined) return
  fs[name] = Object.assign((...args) => {
    const done = args.at(-1)
    let change
    try {
      change = ask(name, args.slice(0, -1))
    } catch (error) {
      setImmediate(done, error)
      return
    }
    original(...args.slice(0, -1), (error, ...results) => {
      if (!error) {
        try {
          results[0] = change(results[0])
        } catch (thrown) {
          return done(thrown)
        }
      }
      done(error, ...results)
    })
  }, original)
}

function patchPromise (name) {
  const original = fs.promises[name]
  if (original !== undefined) {
    fs.promises[name] = async (...args) => {
      const change = ask(name, args)
      return change(await original(...args))
    }
  }
  const method = FILE_HANDLE[name]
  if (method === undefined) return
  const ofHandle = prototype[method]
  prototype[method] = async function (...args) {
    const change = ask(name, [this.fd, ...args])
    return change(await ofHandle.apply(this, args))
  }
}

/** Node shows the class nowhere, but by an open file. */
const handle = await fs.promises.open(process.execPath)
const prototype = Object.getPrototypeOf(handle)
await handle.close()
