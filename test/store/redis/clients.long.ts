// The tests that run with several clients, here with all of them.
import './cache.test'
import './call-batches.test'
import './cluster.test'
import './failover.test'
import './repeated.test'
import './server-states.test'
