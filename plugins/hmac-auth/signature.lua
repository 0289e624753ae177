-- Signatures of requests: how a header field states one, which text it is of, whether it is good.

local mac = require("resty.openssl.mac")

local signature = {}

--- In the order in which messages name them.
signature.ALGORITHMS = { "hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512" }

--- Reads what a header field states: `hmac username="…", algorithm="…", headers="…",
-- signature="…"`, in any order.
-- @tparam ?string value
-- @treturn table|nil username, algorithm, names (list, as they are signed), signed (set of the
-- same, in lower case), signature (bytes, none when it is no base64); nil unless all of them are
-- there. No name at all would be a signature that fits every request.
function signature.parse(value)
  local list = value and value:match("^%s*[Hh][Mm][Aa][Cc]%s+(.*)$")
  if not list then
    return nil
  end
  local stated = {}
  for key, text in list:gmatch('(%a+)%s*=%s*"([^"]+)"') do
    stated[key] = text
  end
  local names, signed = {}, {}
  for name in (stated.headers or ""):gmatch("%S+") do
    names[#names + 1], signed[name:lower()] = name, true
  end
  if not (stated.username and stated.algorithm and names[1] and stated.signature) then
    return nil
  end
  return { username = stated.username, algorithm = stated.algorithm, names = names,
    signed = signed, signature = ngx.decode_base64(stated.signature) or "" }
end

-- Names that stand for the first line of a request, whatever header fields there are.
local LINES = {
  ["@request-target"] = function()
    return ("@request-target: %s %s"):format(kong.request.get_method():lower(),
      kong.request.get_path_with_query())
  end,
  ["request-line"] = function()
    return ("%s %s HTTP/%.1f"):format(kong.request.get_method(),
      kong.request.get_path_with_query(), kong.request.get_http_version())
  end,
}

-- All values of a field are signed: nobody can add one on the way.
local function field_line(name, value)
  if value == nil then
    return name .. ":"
  end
  return name .. ": " .. (type(value) == "table" and table.concat(value, ", ") or value)
end

--- The text that the request's signature is of.
-- @tparam table names list, as the client writes them
-- @tparam table fields the request's header fields by name
-- @treturn string
function signature.text(names, fields)
  local lines = {}
  for i, name in ipairs(names) do
    local special = LINES[name:lower()]
    lines[i] = special and special() or field_line(name, fields[name])
  end
  return table.concat(lines, "\n")
end

--- Whether a signature is that of a text. Equal texts are one object of Lua's: a comparison takes
-- no longer the more of them is right.
-- @tparam table stated what parse() returned; its algorithm is one of ALGORITHMS
-- @tparam string text
-- @tparam string secret
-- @treturn boolean
function signature.is_good(stated, text, secret)
  local code = assert(mac.new(secret, "HMAC", nil, (stated.algorithm:gsub("^hmac%-", ""))))
  return assert(code:final(text)) == stated.signature
end

return signature
