import { createHash } from 'node:crypto'
import { VALUE_FUNCTIONS } from './value-format'

/** What an answer begins with that says why the call of one session failed. */
export const REFUSAL = '-'

/** Stands for a value that was cut off or changed. */
const DAMAGED = 'D'

/** A script for the server, which keeps it under its hash. One command runs it for several sessions. */
export interface Script {
  readonly text: string
  readonly sha: string
  /** Whether it writes what a failover must not lose. */
  readonly waits: boolean
}

/** Returns a script that answers with what `body` returns for the key with each number. A server that became a replica refuses it. */
export function reading (body: string): Script {
  return script(`
-- A replica may be behind. It refuses a write, of nothing too, and clients act on that. Other refusals of a write do not concern a reader.
-- Redis before 7 would write an empty transaction to its log.
redis.set_repl(redis.REPL_NONE)
local refusal = redis.pcall('SETRANGE', KEYS[1], 0, '')
if type(refusal) == 'table' and string.find(refusal.err, 'READONLY', 1, true) then return { err = said(refusal) } end
local function read (number)
${body}
end
for number = 1, #KEYS do answers[number + 2] = read(number) end
return answers
`, false)
}

/**
 * Returns a script that does `body` for each call, whose keys follow each other. It answers with an outcome or
 * a refusal for each; too late, with none.
 * A write of the first call that is refused, as by a server that became a replica, fails the whole command:
 * clients act on that.
 */
export function changing (body: string, { keys = 1, waits = true } = {}): Script {
  return script(`${VALUE_FUNCTIONS}
local function change ()
${body}
end
for number = 1, #KEYS / ${keys} do
  key, aside = KEYS[(number - 1) * ${keys} + 1], KEYS[number * ${keys}]
  local outcome = look(number)
  if not outcome then
    local isDone
    isDone, outcome = pcall(change)
    if not isDone then
      local refusal = said(outcome)
      if number == 1 then return { err = refusal } end
      outcome = REFUSAL .. refusal
    end
  end
  answers[number + 2] = outcome
end
return answers
`, waits)
}

/**
 * Returns a script with this body. Its answer begins with the time and the number of the command, which the first
 * argument begins with: so the answer to another command is recognised.
 */
export function script (body: string, waits: boolean): Script {
  const text = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local answers = { now, tonumber(string.match(ARGV[1], '^%d+')) }
local REFUSAL = '${REFUSAL}'
local FOREIGN = REFUSAL .. 'FOREIGN the key holds another value'
local NEWER = REFUSAL .. 'NEWER the format is not known'
local DAMAGED = '${DAMAGED}'
-- Why a value that is not whole is not a damaged session either; nil when it is one.
local function strangeness (value)
  if string.find(value, '^[SE][2-9]') then return NEWER end
  local isOurs = string.find(value, '^[SE]?$') or string.find(value, '^[SE]1') or string.find(value, '^..' .. string.rep('%d', 13))
  return not isOurs and FOREIGN or nil
end
-- What an error says, without what Redis before 7 puts before it.
local function said (failure)
  local text = type(failure) == 'table' and failure.err or failure
  text = string.gsub(text, '^@user_script: ?%d+: ', '')
  text = string.gsub(text, '^%-', '')
  return text
end
${body}`
  return { text, sha: createHash('sha1').update(text).digest('hex'), waits }
}
