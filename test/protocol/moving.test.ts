import { everySearch } from './search'
import { searches } from './searches/moving'

everySearch(searches, 'test')
