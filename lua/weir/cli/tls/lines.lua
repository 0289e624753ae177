-- Lines of a stream that comes in pieces.
local lines = {}

-- More than any chain; a line without an end must not fill the memory.
local MAX_BYTES = 16 * 1024 * 1024

-- Takes the next line out of the reader's pieces. A line that is too long is passed over.
local function next_line(reader)
  local parts, size, problem = {}, 0, nil
  while true do
    local stop = reader.rest:find("\n", reader.at, true)
    local part = reader.rest:sub(reader.at, (stop or 0) - 1)
    size = size + #part
    if size > MAX_BYTES then
      parts, problem = {}, ("longer than %d bytes"):format(MAX_BYTES)
    else
      parts[#parts + 1] = part
    end
    if stop then
      reader.at = stop + 1
      return table.concat(parts), problem
    end
    reader.rest, reader.at = reader.source.read() or "", 1
    if reader.rest == "" then
      return size > 0 and table.concat(parts) or nil, problem
    end
  end
end

--- Iterates over the lines; the last may lack its end.
-- @tparam table source read() gives the next piece, nil at the end
-- @treturn function iterator: line, its number, and why it was passed over if it was
function lines.of(source)
  local reader, number = { source = source, rest = "", at = 1 }, 0
  return function()
    local line, problem = next_line(reader)
    if line then
      number = number + 1
      return line, number, problem
    end
  end
end

return lines
