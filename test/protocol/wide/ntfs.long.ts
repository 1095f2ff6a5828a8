import { everySearch } from '../search'
import { searches } from '../searches/ntfs'

everySearch(searches, 'long')
