-- LDoc's comments of a Lua file: "--- …" and the lines behind it, and the function or field that
-- follows. A comment with `@function NAME` describes what stands nowhere in the file by that name.

local comments = {}

local function lines_of(path)
  local lines = {}
  for line in io.lines(path) do
    table.insert(lines, line)
  end
  return lines
end

local TAGS = {
  tparam = "^@tparam%S*%s+(%S+)%s+(%S+)%s*(.*)$",
  param = "^@param%s+(%S+)%s*(.*)$",
  treturn = "^@treturn%s+(%S+)%s*(.*)$",
  ["return"] = "^@return%s*(.*)$",
}

-- "?number" may be left out; "{string,...}" is a list.
local function add_parameter(doc, kind, name, text)
  local optional = kind:sub(1, 1) == "?"
  local parameter = { type = optional and kind:sub(2) or kind, name = name, text = text,
    optional = optional }
  table.insert(doc.parameters, parameter)
  return parameter
end

-- Reads a line that begins with "@". Returns what the lines behind it go on with.
local function read_tag(doc, line)
  local name = line:match("^@(%a+)")
  if name == "tparam" then
    return add_parameter(doc, line:match(TAGS.tparam))
  elseif name == "param" then
    return add_parameter(doc, "any", line:match(TAGS.param))
  elseif name == "treturn" then
    local kind, text = line:match(TAGS.treturn)
    table.insert(doc.results, { type = kind, text = text })
    return doc.results[#doc.results]
  elseif name == "return" then
    table.insert(doc.results, { type = "any", text = line:match(TAGS["return"]) })
    return doc.results[#doc.results]
  elseif name == "function" then
    doc.name = line:match("^@function%s+(%S+)")
    return doc
  elseif name == "usage" then
    doc.usage = { text = "" }
    return doc.usage
  end
  error("unknown tag: " .. line)
end

local function append(target, line)
  local separator = target.text == "" and "" or "\n"
  target.text = target.text .. separator .. line
end

-- Reads the comment that begins at a line. Returns it and the line behind it.
local function read_comment(lines, at)
  local doc = { text = lines[at]:match("^%s*%-%-%-%s?(.*)$"), parameters = {}, results = {} }
  local target = doc
  if doc.text:find("^@") then
    doc.text, target = "", read_tag(doc, doc.text)
  end
  at = at + 1
  while lines[at] and lines[at]:find("^%s*%-%-") do
    local line = lines[at]:match("^%s*%-%-%s?(.*)$")
    if line:find("^@") then
      target = read_tag(doc, line)
    else
      append(target, target == doc.usage and line or line:match("^%s*(.*)$"))
    end
    at = at + 1
  end
  return doc, at
end

-- The names between the brackets of a function that begins at a line.
local function arguments_at(lines, at)
  local text, last = lines[at], at
  while not text:find("%)") and lines[last + 1] do
    last = last + 1
    text = text .. lines[last]
  end
  local names = {}
  for name in (text:match("function[^(]*%((.-)%)") or ""):gmatch("[%w_.]+") do
    table.insert(names, name)
  end
  return names
end

-- What `error("…")` raises in the function that begins at a line.
local function raised_in(lines, at)
  local raised, seen = {}, {}
  local ending = "^" .. lines[at]:match("^%s*") .. "end"
  while lines[at] and not lines[at]:find(ending) do
    local text = lines[at]:match('error%("([^"]+)"[,)]')
    if text and not seen[text] then
      seen[text] = true
      table.insert(raised, text)
    end
    at = at + 1
  end
  return raised
end

local function name_at(line)
  local path = line:match("^%s*function%s+([%w_.:]+)") or line:match("^%s*([%w_.]+)%s*=[^=]")
  return path and path:match("[%w_]+$")
end

-- What the code behind a comment says.
local function describe(found, doc, lines, at)
  local code = lines[at] or ""
  doc.arguments = arguments_at(lines, at)
  doc.raised = code:find("function", 1, true) and raised_in(lines, at) or {}
  doc.method = code:find("^%s*function%s+[%w_.]+:") ~= nil
  found.lines[at] = doc
  local name = name_at(code)
  if name then
    found.names[name] = doc
  end
end

local files = {}

--- The comments of a file.
-- @tparam string path
-- @treturn table `lines`: number of the line of a function -> comment; `names`: name -> comment.
-- A comment has text, parameters and results (lists of { type, name, text, optional }), usage,
-- arguments (names as in the code), raised (texts) and method (it is called with a colon)
function comments.of(path)
  if files[path] then
    return files[path]
  end
  local lines, found, at = lines_of(path), { lines = {}, names = {} }, 1
  while lines[at] do
    if lines[at]:find("^%s*%-%-%-%s?[^-]") then
      local doc
      doc, at = read_comment(lines, at)
      if doc.name then
        doc.arguments, doc.raised = {}, {}
        found.names[doc.name] = doc
      else
        describe(found, doc, lines, at)
      end
    else
      at = at + 1
    end
  end
  files[path] = found
  return found
end

return comments
