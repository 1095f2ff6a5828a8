import { checkSnippets, Document } from './document'
import { MOVING } from './moving-snippets'

checkSnippets(new Document('docs/stores.md'), { ...MOVING })
