-- "a=1&b=2", query or form, to be changed: what is not changed stays as it is written.

local Form = {}
Form.__index = Form

local function piece_of(name, value)
  return { name = name, text = ngx.escape_uri(name) .. "=" .. ngx.escape_uri(value) }
end

--- Takes a text apart.
-- @tparam string text
function Form.new(text)
  local pieces = {}
  for piece in text:gmatch("[^&]+") do
    pieces[#pieces + 1] = { name = ngx.unescape_uri(piece:match("^[^=]*")), text = piece }
  end
  return setmetatable({ pieces = pieces, changed = false }, Form)
end

function Form:has(name)
  for _, piece in ipairs(self.pieces) do
    if piece.name == name then
      return true
    end
  end
  return false
end

-- Keeps the pieces that `keep` says yes to.
local function filter(self, keep)
  local kept = {}
  for _, piece in ipairs(self.pieces) do
    if keep(piece) then
      kept[#kept + 1] = piece
    else
      self.changed = true
    end
  end
  self.pieces = kept
end

function Form:remove(name)
  filter(self, function(piece)
    return piece.name ~= name
  end)
end

--- Gives all values of `old` to `new`, whose own are gone then.
function Form:rename(old, new)
  if new == old then
    return
  end
  self:remove(new)
  for _, piece in ipairs(self.pieces) do
    if piece.name == old then
      piece.name = new
      piece.text = ngx.escape_uri(new) .. (piece.text:match("=.*$") or "")
      self.changed = true
    end
  end
end

--- Sets one value, in the place of the first of that name if there is one.
function Form:set(name, value)
  local found
  for i, piece in ipairs(self.pieces) do
    if piece.name == name then
      found = piece_of(name, value)
      self.pieces[i] = found
      break
    end
  end
  if not found then
    return self:append(name, value)
  end
  self.changed = true
  filter(self, function(piece)
    return piece == found or piece.name ~= name
  end)
end

function Form:append(name, value)
  self.pieces[#self.pieces + 1] = piece_of(name, value)
  self.changed = true
end

--- Puts another text in front.
function Form:prepend(text)
  local before = Form.new(text)
  for i, piece in ipairs(before.pieces) do
    table.insert(self.pieces, i, piece)
    self.changed = true
  end
end

--- Takes over what another one has, in place of its own values of the same names.
function Form:merge(other)
  for _, piece in ipairs(other.pieces) do
    self:remove(piece.name)
  end
  for _, piece in ipairs(other.pieces) do
    self.pieces[#self.pieces + 1] = piece
    self.changed = true
  end
end

function Form:encode()
  local texts = {}
  for i, piece in ipairs(self.pieces) do
    texts[i] = piece.text
  end
  return table.concat(texts, "&")
end

return Form
