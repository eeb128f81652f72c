-- Asks with one of the cookies of a file, by chance. `wrk -s cookies.lua URL FILE`.
local requests = {}

function init(arguments)
    math.randomseed(os.time())
    for line in io.lines(arguments[1]) do
        local cookie = line:match("^[^\t]+")
        requests[#requests + 1] = wrk.format("GET", "/whoami", { Cookie = cookie })
    end
end

function request()
    return requests[math.random(#requests)]
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        "figures %d %d %d %d %d %d\n", summary.requests, summary.duration, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout,
        latency:percentile(50), latency:percentile(99)
    ))
end
