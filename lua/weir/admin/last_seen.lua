-- What upstreams presented last, as the Admin API shows it: page by page, since chains are long.
local cjson = require("cjson")
local ffi = require("ffi")
local abi = require("weir.abi")
local current = require("weir.pdk.current")
local pem = require("weir.text.pem")
local verdicts = require("weir.tls.verdict")

local C = abi.C

local PATH = "/tls/last-seen"
local SIZE, SIZE_MAX = 100, 1024 -- as many as there can be

-- Made with the first question: most workers are never asked.
local seen, chain

local function text_of(array)
  local text = ffi.string(array)
  return text ~= "" and text or nil
end

-- One that the configuration still has is called as it is there.
local function entity_of(kind, id, name)
  id = text_of(id)
  local entity = id and current.generation.entities[kind][id]
  if entity then
    return { id = id, name = entity.name }
  end
  return id and { id = id, name = text_of(name) } or cjson.null
end

local function entry()
  return {
    service = entity_of("services", seen.service_id, seen.service_name),
    route = entity_of("routes", seen.route_id, seen.route_name),
    peer = {
      ip = ffi.string(seen.ip), port = seen.port, name = text_of(seen.name),
      sni = text_of(seen.sni),
    },
    time = tonumber(seen.at),
    verdict = verdicts.of(seen.verdict),
    chain = pem.blocks(ffi.string(chain)),
  }
end

-- Steps to the next peer; false behind the last one.
local function step(number)
  return C.weir_seen_next(number, seen, chain) == 0
end

local function whole_number(text, default, low, high)
  if text == nil then
    return default
  end
  local number = type(text) == "string" and text:find("^%d+$") and #text < 16 and tonumber(text)
  return number and number >= low and number <= high and number or nil
end

--- A page.
-- @tparam table query arguments of the request: size (of the page), offset (from `next`)
-- @treturn string|nil JSON, see README.md
-- @treturn nil|string what is wrong with the query
local function last_seen(query)
  local size = whole_number(query.size, SIZE, 1, SIZE_MAX)
  local number = whole_number(query.offset, 0, 0, math.huge)
  if not size then
    return nil, ("size must be an integer between 1 and %d"):format(SIZE_MAX)
  elseif not number then
    return nil, "invalid offset"
  end
  seen = seen or ffi.new("struct weir_seen")
  chain = chain or ffi.new("char[?]", C.WEIR_SEEN_CHAIN)
  local entries, more = {}, step(number)
  while more and #entries < size do
    number = tonumber(seen.number)
    entries[#entries + 1] = cjson.encode(entry())
    more = step(number)
  end
  local after = more and cjson.encode(("%s?size=%d&offset=%d"):format(PATH, size, number)) or "null"
  return ('{"data":[%s],"next":%s}'):format(table.concat(entries, ","), after)
end

return last_seen
