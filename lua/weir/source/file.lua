-- The declarative file as a source of configuration.
local file = {}

-- More than any gateway's configuration; a device or a runaway file must not fill the memory.
local MAX_BYTES = 256 * 1024 * 1024

local CHUNK = 64 * 1024

-- Reads all there is, or a little more than MAX_BYTES of it.
local function read_all(handle)
  local chunks, total = {}, 0
  while total <= MAX_BYTES do
    local chunk, err = handle:read(CHUNK)
    if err then
      return nil, err
    elseif not chunk then
      break
    end
    table.insert(chunks, chunk)
    total = total + #chunk
  end
  return table.concat(chunks), total
end

local function read(path)
  local handle, err = io.open(path, "rb")
  if not handle then
    return nil, err
  end
  local text, size = read_all(handle)
  handle:close()
  if not text then
    return nil, path .. ": " .. size
  end
  return text, size
end

local File = {}
File.__index = File

--- A source that reads a file each time it is asked.
-- @tparam string path `-` is standard input
-- @treturn File
function file.new(path)
  return setmetatable({ path = path, name = path == "-" and "<stdin>" or path }, File)
end

--- Reads the file.
-- @treturn string|nil the text
-- @treturn string the name for messages; or what went wrong
function File:load()
  local text, size
  if self.path == "-" then
    text, size = read_all(io.stdin)
  else
    text, size = read(self.path)
  end
  if not text then
    return nil, "cannot read " .. size
  elseif size > MAX_BYTES then
    return nil, ("%s: larger than %d bytes"):format(self.name, MAX_BYTES)
  end
  return text, self.name
end

return file
