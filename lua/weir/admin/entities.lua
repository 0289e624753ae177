-- The entities of the configuration in force, as the Admin API shows them: Kong's paths /TYPE,
-- /TYPE/KEY and /TYPE/KEY/TYPE for the gateway's own types. Those that plugins bring hold
-- credentials, and are not shown.
local cjson = require("cjson")
local Store = require("weir.db.store")
local base = require("weir.entities").base
local db = require("weir.db")
local encode_args = require("weir.ngx.uri").encode_args
local request = require("weir.pdk.request")
local response = require("weir.pdk.response")

local entities = {}

local JSON = { ["Content-Type"] = "application/json; charset=utf-8" }
local NOT_FOUND = { message = "Not found" }
local NOT_ALLOWED = { message = "Method not allowed" }

-- What a method would do to an entity.
local WRITES = {
  POST = "create", PUT = "create or update", PATCH = "update", DELETE = "remove",
}

--- Finds an entity by its id, or by what else names one of its type.
-- @tparam string kind one of the gateway's own
-- @tparam string key
-- @treturn table|nil
function entities.find(kind, key)
  local store, endpoint = Store.current(), base.definitions[kind].endpoint_key
  return store:get(kind, key) or endpoint and store:find(kind, endpoint, key)
end

local function refuse(kind, method)
  local verb = WRITES[method]
  if not verb then
    return response.exit(405, NOT_ALLOWED)
  end
  return response.exit(405, {
    code = 12,
    name = "operation unsupported",
    message = ("cannot %s '%s' entities when not using a database"):format(verb, kind),
  })
end

-- ---- lists

-- Kong's: "a,b" is both, "a/b" one of them.
local function tags_of(text)
  if type(text) ~= "string" then
    return nil
  end
  local list = {}
  for tag in text:gmatch("[^,/]+") do
    list[#list + 1] = tag
  end
  return { tags = list, tags_cond = text:find("/", 1, true) and "or" or "and" }
end

-- The address of the page that follows.
local function next_page(query, offset)
  local args = { offset = offset, size = query.size, tags = query.tags }
  return ("%s?%s"):format(request.get_path(), encode_args(args))
end

-- cjson would write an empty list as an object.
local function encode(rows, following)
  local parts = {}
  for i, row in ipairs(rows) do
    parts[i] = cjson.encode(row)
  end
  local offset = following.offset and (',"offset":' .. cjson.encode(following.offset)) or ""
  return ('{"data":[%s],"next":%s%s}'):format(table.concat(parts, ","),
    cjson.encode(following.page or cjson.null), offset)
end

-- Answers with a page of what `read(size, offset, options)` reads, a method of a Dao.
local function answer_list(read)
  local query = request.get_query()
  local rows, _, wrong, offset = read(query.size and (tonumber(query.size) or 0),
    type(query.offset) == "string" and query.offset or nil, tags_of(query.tags))
  if not rows then
    return response.exit(400, { code = wrong.code, name = wrong.name, message = wrong.message })
  end
  local page = offset and next_page(query, offset)
  return response.exit(200, encode(rows, { offset = offset, page = page }), JSON)
end

local function answer_children(kind, key, child)
  local field, parent = base:children_of(kind)[child], entities.find(kind, key)
  if not field or not parent then
    return response.exit(404, NOT_FOUND)
  end
  local dao = db[child]
  return answer_list(function(size, offset, options)
    return dao["page_for_" .. field](dao, { id = parent.id }, size, offset, options)
  end)
end

local function answer_one(kind, key)
  local entity = entities.find(kind, key)
  if not entity then
    return response.exit(404, NOT_FOUND)
  end
  return response.exit(200, db[kind]:select({ id = entity.id }))
end

local function parts_of(path)
  local kind, key, child = path:match("^/([%l_]+)/([^/]+)/([%l_]+)$")
  if not kind then
    kind, key = path:match("^/([%l_]+)/([^/]+)$")
  end
  return kind or path:match("^/([%l_]+)$"), key, child
end

--- Answers a request, if its path is one of entities.
-- @tparam string path
-- @tparam string method
-- @treturn boolean false: it is not, and nothing was answered
function entities.answer(path, method)
  local kind, key, child = parts_of(path)
  if not kind or not base.definitions[kind] or child and not base.definitions[child] then
    return false
  elseif method ~= "GET" and method ~= "HEAD" then
    refuse(child or kind, method)
  elseif child then
    answer_children(kind, key, child)
  elseif key then
    answer_one(kind, key)
  else
    local dao = db[kind]
    answer_list(function(...) return dao:page(...) end)
  end
  return true
end

return entities
