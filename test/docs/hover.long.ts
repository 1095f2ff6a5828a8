import { join } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { root } from '../support/built-package'

/** The tags that our doc comments use. Anything else after an `@` is a name that cuts the sentence off there. */
const TAGS = ['default', 'internal', 'see', 'throws']

const config = ts.readConfigFile(join(root, 'tsconfig.json'), path => ts.sys.readFile(path))
const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root)
const entries = ['index.ts', 'connect.ts', 'redis.ts', 'postgres.ts', 'conformance.ts'].map(name => join(root, name))
const program = ts.createProgram(entries, options)
const checker = program.getTypeChecker()

/** What an editor shows: the exported names and their members, each with its doc comment as the language service takes it apart. */
function * shown (): Generator<{ name: string, symbol: ts.Symbol }> {
  for (const symbol of new Set(entries.flatMap(exportsOf))) {
    yield { name: symbol.name, symbol }
    for (const member of checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol))) {
      if (isOurs(member)) yield { name: `${symbol.name}.${member.name}`, symbol: member }
    }
  }
  for (const declaration of (program.getSourceFile(join(root, 'types/fastify.ts')) as ts.SourceFile).statements) {
    if (!ts.isModuleDeclaration(declaration) || declaration.body === undefined || !ts.isModuleBlock(declaration.body)) continue
    for (const statement of declaration.body.statements) {
      if (!ts.isInterfaceDeclaration(statement)) continue
      for (const member of statement.members) {
        const symbol = checker.getSymbolAtLocation(member.name as ts.PropertyName)
        if (symbol !== undefined) yield { name: `${statement.name.text}.${symbol.name}`, symbol }
      }
    }
  }
}

function exportsOf (entry: string): ts.Symbol[] {
  const module = checker.getSymbolAtLocation(program.getSourceFile(entry) as ts.SourceFile) as ts.Symbol
  return checker.getExportsOfModule(module).map(symbol => (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol))
}

function isOurs (symbol: ts.Symbol): boolean {
  return symbol.declarations?.some(declaration => !declaration.getSourceFile().fileName.includes('/node_modules/')) === true
}

function documentation (symbol: ts.Symbol): string {
  return ts.displayPartsToString(symbol.getDocumentationComment(checker))
}

t.test('no doc comment is cut off by a name with an @', async t => {
  let count = 0
  for (const { name, symbol } of shown()) {
    count++
    for (const tag of symbol.getJsDocTags(checker)) t.ok(TAGS.includes(tag.name), `${name}: @${tag.name}`)
  }
  t.ok(count > 150, `${count} names`)
})

t.test('the members of the session, the options and the decorators have doc comments', async t => {
  let count = 0
  for (const { name, symbol } of shown()) {
    const isPublic = (ts.getCombinedModifierFlags(symbol.declarations?.[0] as ts.Declaration) & ts.ModifierFlags.Private) === 0
    if (!/^(Session|\w+Options|FoundSession|FastifyRequest|FastifyInstance|FastifyContextConfig)\./.test(name) || !isPublic || name.includes('#')) continue
    count++
    t.not(documentation(symbol), '', name)
  }
  t.ok(count > 80, `${count} members`)
})

t.test('a sentence with @fastify is whole', async t => {
  const texts = new Map([...shown()].map(({ name, symbol }) => [name, documentation(symbol)]))
  t.match(texts.get('FileSessionsOptions.hook'), /preHandler, such as `@fastify\/passport`\.$/)
  t.match(texts.get('FileSessionsOptions.cookie'), /Requests outside `path` have no session\.$/)
  t.match(texts.get('RedisSessionStoreOptions.client'), /`@valkey\/valkey-glide`\. The store does not close it\.$/)
  t.match(texts.get('SessionCookieOptions.signed'), /secret of `@fastify\/cookie`\.$/)
  t.match(texts.get('Session.get'), /^Returns what is stored under the key/)
  t.match(texts.get('Session.set'), /^Puts the value under the key/)
})
