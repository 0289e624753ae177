-- PEM texts taken apart.
local pem = {}

--- The blocks of a text, whatever they are.
-- @tparam string text
-- @treturn table list of texts, each one block with its first and last line
function pem.blocks(text)
  local blocks = {}
  for block in text:gmatch("%-%-%-%-%-BEGIN [^\n]-%-%-%-%-%-.-%-%-%-%-%-END [^\n]-%-%-%-%-%-") do
    blocks[#blocks + 1] = block .. "\n"
  end
  return blocks
end

return pem
