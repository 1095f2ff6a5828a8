-- wrk's part: one path, the cookies of the file in turn, one line of figures in the end.
local requests = {}
local turn = 0

function init (args)
  for cookie in io.lines(args[2]) do
    requests[#requests + 1] = wrk.format('GET', args[1], { Host = 'localhost', Cookie = cookie })
  end
  if #requests == 0 then requests[1] = wrk.format('GET', args[1], { Host = 'localhost' }) end
end

function request ()
  turn = turn % #requests + 1
  return requests[turn]
end

function done (summary, latency)
  local errors = summary.errors
  io.write(string.format('RESULT {"requests":%d,"seconds":%f,"failed":%d,"p50":%f,"p99":%f}\n',
    summary.requests, summary.duration / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
