import { everySearch } from './search'
import { searches } from './searches/three-writers'

everySearch(searches, 'test')
