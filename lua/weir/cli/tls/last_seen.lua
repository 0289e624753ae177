-- What a gateway saw last, from its Admin API or from a file with what that answered.
local cjson = require("cjson").new()
local file = require("weir.source.file")
local host = require("weir.text.host")
local http = require("weir.cli.http")
local ip = require("weir.text.ip")

local PATH = "/tls/last-seen"

-- The Admin API keeps fewer peers than this many pages have.
local MAX_PAGES = 10000

local MAX_PORT = 65535

-- The end of the year 9999: what comes after has no date.
local MAX_TIME = 253402300799

local null = cjson.null

local last_seen = {}

-- Raised by what reads an answer, caught around it.
local function refuse(format, ...)
  error({ refused = format:format(...) }, 0)
end

local function expect(condition, place, what)
  if not condition then
    refuse("%s: expected %s", place, what)
  end
end

local function is_text(value)
  return type(value) == "string" and value ~= ""
end

local function is_integer(value, high)
  return type(value) == "number" and value % 1 == 0 and value >= 0 and value <= high
end

-- What is shown of an answer must not be able to control a terminal.
local function is_name(value)
  return is_text(value) and host.parse(value) ~= nil
end

local function check_entity(entity, place)
  expect(entity == null or type(entity) == "table" and is_text(entity.id), place,
    "null or an object with an id")
end

local function check_entry(entry, place)
  expect(type(entry) == "table", place, "an object")
  check_entity(entry.service, place .. ".service")
  check_entity(entry.route, place .. ".route")
  local peer, verdict, chain = entry.peer, entry.verdict, entry.chain
  expect(type(peer) == "table", place .. ".peer", "an object")
  expect(is_text(peer.ip) and ip.family(peer.ip), place .. ".peer.ip", "an IP address")
  expect(is_integer(peer.port, MAX_PORT), place .. ".peer.port", "a port")
  expect(is_integer(entry.time, MAX_TIME), place .. ".time", "seconds since the epoch")
  expect(peer.name == nil or is_name(peer.name), place .. ".peer.name", "a host name")
  expect(type(verdict) == "table" and is_text(verdict.policy), place .. ".verdict",
    "an object with a policy")
  expect(type(chain) == "table" and chain[1] ~= nil, place .. ".chain", "a list of PEM texts")
  for i, pem in ipairs(chain) do
    expect(is_text(pem), ("%s.chain[%d]"):format(place, i - 1), "a PEM text")
  end
end

-- Appends the entries of one answer. Returns where the next one is, if there is one.
local function read_page(text, entries)
  local ok, page = pcall(cjson.decode, text)
  if not ok then
    refuse("not valid JSON: %s", (page:gsub("^Expected", "expected")))
  end
  expect(type(page) == "table" and type(page.data) == "table", "the answer",
    "an object with a list `data`")
  for _, entry in ipairs(page.data) do
    check_entry(entry, ("data[%d]"):format(#entries))
    entries[#entries + 1] = entry
  end
  expect(page.next == nil or page.next == null
    or is_text(page.next) and page.next:find("^/%S+$") ~= nil, "next", "a path or null")
  return page.next ~= null and page.next or nil
end

local function from_gateway(url, entries)
  local where, err = http.parse(url)
  local target = where and (where.target:gsub("^/?$", PATH))
  for _ = 1, MAX_PAGES do
    local text
    if target then
      text, err = http.get(where, target)
    end
    if not text then
      refuse("%s", err)
    end
    local following = read_page(text, entries)
    if not following then
      return
    elseif following == target then
      refuse("next: the page leads to itself")
    end
    target = following
  end
  refuse("more than %d pages", MAX_PAGES)
end

local function from_file(path, entries)
  local text, err = file.new(path):load()
  if not text then
    refuse("%s", err)
  end
  if read_page(text, entries) then
    refuse("holds one of several pages: save what /tls/last-seen?size=1024 answers")
  end
end

--- Reads all that was seen.
-- @tparam string source http:// URL of an Admin API (its path may be left out), or a file
-- @treturn table|nil list of entries, as lua/weir/admin/README.md has them
-- @treturn nil|string what is wrong
function last_seen.read(source)
  local entries = {}
  local is_url = source:find("^%a+://") ~= nil
  local ok, err = pcall(is_url and from_gateway or from_file, source, entries)
  if ok then
    return entries
  elseif type(err) ~= "table" then
    error(err, 0)
  end
  return nil, ("--against-last-seen: %s: %s"):format(source, err.refused)
end

return last_seen
