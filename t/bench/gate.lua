-- What a careful operator writes in Lua to have the checks that the bench
-- compares: who asks, how often, what for, and what it cost.
--
-- The counters are those of lua_shared_dict, which are shared by all workers.
-- A rate is a token bucket of requests, a budget a window of tokens: an
-- estimate is taken in open() and set right by the usage in settle().

local cjson  = require "cjson.safe"
local limits = ngx.shared.limits

local now, var, req = ngx.now, ngx.var, ngx.req
local find, sub, byte = string.find, string.sub, string.byte
local floor, max, min = math.floor, math.max, math.min

local _M = {}

local tenants = {
    ["sk-bench-acme-2c5e8a7d19b4f603"] = {
        name = "acme", rate = 1e6, burst = 1e6, tokens = 1e12, window = 60,
        concurrency = 1e6, cap = 16384,
    },
    ["sk-bench-slow-7a90d3c1e5f24b68"] = {
        name = "slow", rate = 1 / 600, burst = 1, tokens = 1e12, window = 60,
        concurrency = 1e6, cap = 16384,
    },
}

local models = { "^gpt%-", "^claude%-", "^gemini%-" }

local hottest = { { "^claude%-", 1 }, { "", 2 } }

local roles = {
    system = true, developer = true, user = true, assistant = true,
    tool = true, ["function"] = true,
}

local decode = cjson.new().decode


local function refuse(status, kind, code, param, message)
    local text = cjson.encode({ error = {
        message = message, type = kind, code = code,
        param = param or cjson.null,
    } })

    ngx.status = status
    ngx.header["Content-Type"] = "application/json"
    ngx.header["Content-Length"] = #text
    ngx.print(text)
    return ngx.exit(status)
end


local function invalid(code, param, message)
    return refuse(400, "invalid_request_error", code, param, message)
end


local function tenant_of()
    local value = var.http_authorization

    if value and sub(value, 1, 7) == "Bearer " then
        return tenants[sub(value, 8)]
    end
end


-- a bucket of requests: the time at which it will be full again

local function over_rate(tenant)
    local key, time = "rate:" .. tenant.name, now()
    local full = max(limits:get(key) or 0, time)

    if full - time > (tenant.burst - 1) / tenant.rate then
        return full - time
    end

    limits:set(key, full + 1 / tenant.rate)
end


local function window_of(tenant)
    return "tokens:" .. tenant.name .. ":" .. floor(now() / tenant.window)
end


local function body_text()
    req.read_body()

    local data = req.get_body_data()

    if data then
        return data
    end

    local path = req.get_body_file()

    if not path then
        return nil
    end

    local file = assert(io.open(path, "rb"))
    data = file:read("*a")
    file:close()

    return data
end


local function number_within(body, name, low, high)
    local value = body[name]

    if value == nil or value == cjson.null then
        return
    end

    if type(value) ~= "number" then
        return invalid("invalid_type", name, name .. " has to be a number")
    end

    if value < low or value > high then
        return invalid("unsupported_value", name, name .. " is " .. value
                       .. ", but " .. low .. " to " .. high .. " is taken")
    end
end


local function model_within(model)
    for i = 1, #models do
        if find(model, models[i]) then
            return true
        end
    end
end


local function check(body, tenant)
    local model = body.model

    if type(model) ~= "string" or model == "" then
        return invalid("missing_required_parameter", "model",
                       "model is missing")
    end

    if not model_within(model) then
        return refuse(403, "permission_error", "model_not_allowed", "model",
                      "this model is not allowed")
    end

    local messages = body.messages

    if type(messages) ~= "table" or #messages == 0 then
        return invalid("missing_required_parameter", "messages",
                       "messages is missing")
    end

    for i = 1, #messages do
        if type(messages[i]) ~= "table" or not roles[messages[i].role] then
            return invalid("invalid_value", "messages[" .. i - 1 .. "].role",
                           "unknown role")
        end
    end

    for i = 1, #hottest do
        if find(model, hottest[i][1]) then
            number_within(body, "temperature", 0, hottest[i][2])
            break
        end
    end

    number_within(body, "top_p", 0, 1)
    number_within(body, "frequency_penalty", -2, 2)
    number_within(body, "presence_penalty", -2, 2)
    number_within(body, "n", 1, 128)
    number_within(body, "max_tokens", 0, tenant.cap)
    number_within(body, "max_completion_tokens", 0, tenant.cap)
end


local function cap_of(body, tenant)
    local cap = body.max_tokens or body.max_completion_tokens

    return type(cap) == "number" and cap or min(tenant.cap, 1024)
end


function _M.open()
    local tenant = tenant_of()

    if not tenant then
        return refuse(401, "invalid_request_error", "invalid_api_key", nil,
                      "unknown key")
    end

    local wait = over_rate(tenant)

    if wait then
        ngx.header["Retry-After"] = min(60, floor(wait) + 1)
        return refuse(429, "rate_limit_error", "rate_limit_exceeded", nil,
                      "too many requests")
    end

    local text = body_text()
    local body = text and decode(text)

    if type(body) ~= "table" then
        return invalid("invalid_json", nil, "the body is not JSON")
    end

    check(body, tenant)

    local ctx = ngx.ctx
    local window = window_of(tenant)
    local estimate = floor(#text / 4) + cap_of(body, tenant)
    local used = limits:incr(window, estimate, 0, 2 * tenant.window)

    if used and used > tenant.tokens then
        limits:incr(window, -estimate)
        return refuse(429, "rate_limit_error", "insufficient_quota", nil,
                      "the budget is used up")
    end

    local flying = limits:incr("flying:" .. tenant.name, 1, 0)

    if flying and flying > tenant.concurrency then
        limits:incr("flying:" .. tenant.name, -1)
        limits:incr(window, -estimate)
        return refuse(429, "rate_limit_error", "rate_limit_exceeded", nil,
                      "too many requests at once")
    end

    ctx.tenant, ctx.window, ctx.estimate = tenant, window, estimate
end


-- a usage stands at the end, so the last bytes are enough

function _M.watch()
    local ctx = ngx.ctx

    if not ctx.tenant then
        return
    end

    local chunk = ngx.arg[1]

    if chunk and chunk ~= "" then
        local size = #chunk

        if size >= 1024 then
            ctx.tail = sub(chunk, -1024)

        else
            ctx.tail = sub((ctx.tail or "") .. chunk, -1024)
        end
    end
end


local function last_number(text, name)
    local from, value = 1, nil

    while true do
        local _, stop, found = find(text, '"' .. name .. '"%s*:%s*(%d+)', from)

        if not stop then
            return value
        end

        from, value = stop + 1, tonumber(found)
    end
end


function _M.settle()
    local ctx = ngx.ctx
    local tenant = ctx.tenant

    if not tenant then
        return
    end

    limits:incr("flying:" .. tenant.name, -1)

    local tail = ctx.tail
    local input = tail and last_number(tail, "prompt_tokens")
    local output = tail and last_number(tail, "completion_tokens")

    if not input or not output then
        return                  -- what was estimated stays charged
    end

    limits:incr(ctx.window, input + output - ctx.estimate)
    limits:incr("input:" .. tenant.name, input, 0)
    limits:incr("output:" .. tenant.name, output, 0)
    limits:incr("requests:" .. tenant.name, 1, 0)
end


return _M
