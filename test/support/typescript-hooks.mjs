/** TypeScript files are CommonJS modules here: `typescript-loader.cjs` compiles them when they are required. */
export async function load (url, context, nextLoad) {
  return url.endsWith('.ts') ? { format: 'commonjs', shortCircuit: true } : await nextLoad(url, context)
}
