import { everySearch } from '../search'
import { searches } from '../searches/making'

everySearch(searches, 'long')
