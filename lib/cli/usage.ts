import { parseArgs, type ParseArgsConfig } from 'node:util'

/** A command line that cannot be understood: exit code 2. */
export class UsageError extends Error {}

export interface Option {
  name: string
  /** What the help calls its value; left out: the option takes none. */
  value?: string
  description: string
  /** Makes something of the text. @throws {UsageError} */
  parse?: (text: string) => unknown
  /** Text that counts when the option is not given. */
  default?: string
  isRequired?: boolean
}

export interface Usage {
  name: string
  /** The names of the arguments; `[name]` may be left out. */
  parameters: string[]
  description: string
  options: Option[]
  /** Whether an argument may begin with a hyphen, as an id may. */
  takesHyphens?: boolean
  help: string
}

export interface Given {
  arguments: string[]
  options: Record<string, unknown>
}

const HELP: Option = { name: 'help', description: 'say how the command is used' }

/** Returns what the command line says; `help` when it asks how the command is used. @throws {UsageError} */
export function parseUsage (usage: Usage, given: string[]): Given | 'help' {
  const args = usage.takesHyphens === true ? behindHyphens(usage, given) : given
  const { values, positionals } = parsed(usage, args)
  if (values['help'] === true) return 'help'
  const options: Record<string, unknown> = {}
  for (const option of usage.options) {
    const { name, parse, isRequired = false } = option
    const value = values[name] ?? option.default
    if (value === undefined && isRequired) throw new UsageError(`the option ${signature(option)} must be given`)
    if (value !== undefined) options[name] = parse === undefined ? value : parsedValue(option, parse, value as string)
  }
  const missing = usage.parameters.find((name, index) => positionals[index] === undefined && !name.startsWith('['))
  if (missing !== undefined) throw new UsageError(`the argument ${missing} is missing`)
  if (positionals.length > usage.parameters.length) {
    throw new UsageError(`there are too many arguments: ${usage.name} takes ${usage.parameters.join(' ') || 'none'}`)
  }
  return { arguments: positionals, options }
}

function parsed (usage: Usage, args: string[]): { values: Record<string, unknown>, positionals: string[] } {
  const options: NonNullable<ParseArgsConfig['options']> = { help: { type: 'boolean', short: 'h' } }
  for (const { name, value } of usage.options) options[name] = { type: value === undefined ? 'boolean' : 'string' }
  try {
    return parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    throw new UsageError(explained(usage, args, error as NodeJS.ErrnoException))
  }
}

function parsedValue (option: Option, parse: (text: string) => unknown, text: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    throw new UsageError(`--${option.name} '${text}': ${(error as Error).message}`)
  }
}

/** Puts what is not an option of the command behind `--`, so that it is an argument. */
function behindHyphens ({ options }: Usage, given: string[]): string[] {
  const known: string[] = []
  const others: string[] = []
  for (let index = 0; index < given.length; index++) {
    const text = given[index] as string
    if (text === '--') {
      others.push(...given.slice(index + 1))
      break
    }
    const option = [...options, HELP].find(({ name }) => text === `--${name}` || text.startsWith(`--${name}=`))
    if (option === undefined && text !== '-h') {
      others.push(text)
      continue
    }
    known.push(text)
    const value = option?.value === undefined || text.includes('=') ? undefined : given[index + 1]
    if (value === undefined) continue
    index++
    // A handle may begin with a hyphen, too.
    if (/^-[^-]/.test(value)) known[known.length - 1] += `=${value}`
    else known.push(value)
  }
  return [...known, '--', ...others]
}

function explained (usage: Usage, args: string[], error: NodeJS.ErrnoException): string {
  // Each of these messages quotes the option, or at least '--'.
  const [, name] = /'(?:-\w, )?(-{1,2}[^\s'=]+)/.exec(error.message) as unknown as [string, string]
  if (error.code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const option = usage.options.find(option => name === `--${option.name}`)
    return option?.value === undefined ? `the option ${name} takes no value` : `the option ${signature(option)} needs its value`
  }
  const similar = mostSimilar(name, usage.options.map(option => `--${option.name}`))
  return `there is no option ${args.includes(name) ? name : `in '${name}'`}${similar === null ? '' : `: did you mean ${similar}?`}`
}

export function signature ({ name, value }: Option): string {
  return value === undefined ? `--${name}` : `--${name} ${value}`
}

/** Returns the help of a command. */
export function helpOf (usage: Usage): string {
  const options = [...usage.options, HELP]
  const width = Math.max(...options.map(option => signature(option).length))
  const rows = options.map(option => {
    const { description, default: value, isRequired = false } = option
    const note = isRequired ? ' (must be given)' : value === undefined ? '' : ` (default: ${value})`
    return `  ${signature(option).padEnd(width)}  ${description}${note}\n`
  })
  const { name, parameters, description, help } = usage
  return `Usage: file-sessions ${[name, '[options]', ...parameters].join(' ')}\n\n${upperFirst(description)}.\n\nOptions:\n${rows.join('')}${help.trimEnd()}\n`
}

function upperFirst (text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** Returns the name that was probably meant; null when none is similar. */
export function mostSimilar (text: string, names: string[]): string | null {
  let best: string | null = null
  let least = Math.max(2, Math.floor(text.length / 3)) + 1
  for (const name of names) {
    const distance = name.startsWith(text) && text.length > 2 ? 1 : distanceOf(text, name)
    if (distance < least) [best, least] = [name, distance]
  }
  return best
}

/** Returns how many characters must be added, removed or changed to make one text of the other. */
function distanceOf (from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const change = (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[to.length] as number
}
