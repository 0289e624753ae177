-- The busted output of this project: one line per spec file, and what failed below it as it fails.
--
-- Each result is also appended to the file that WEIR_SPEC_TALLY names, one word a line, and "ended"
-- last. spec/run counts there, so results survive when a later test takes the whole process down.

local busted = require("busted")
local pretty = require("pl.pretty")

local words = { success = "passed", failure = "failed", error = "failed", pending = "skipped" }

local counts, started, broken_line

local function write(...)
  io.stdout:write(...)
  io.stdout:flush()
end

-- What belongs to a file goes below its name, which has no newline yet unless this came before.
local function write_below(text)
  if not broken_line then
    write("\n")
    broken_line = true
  end
  write("  ", (text:gsub("\n", "\n    ")), "\n")
end

local function text_of(message)
  if type(message) == "string" then
    return message
  end
  return message == nil and "(no message)" or pretty.write(message)
end

return function(options)
  local handler = require("busted.outputHandlers.base")()
  local tally_path = os.getenv("WEIR_SPEC_TALLY")
  local tally = tally_path and assert(io.open(tally_path, "a"))

  local function record(word)
    if tally then
      tally:write(word, "\n")
      tally:flush()
    end
  end

  local function count(word)
    counts[word] = (counts[word] or 0) + 1
    record(word)
  end

  local function describe_failure(element, _, message, trace)
    local place = trace and trace.short_src
    place = place and (" (%s:%d)"):format(place, trace.currentline) or ""
    write_below(("FAILED %s%s\n%s"):format(handler.getFullName(element), place, text_of(message)))
    if options.verbose and trace and trace.traceback then
      write_below(trace.traceback)
    end
    -- A failing test is counted when it ends; whatever else fails (a file that does not load, a
    -- setup) ends no test and counts by itself.
    if element.descriptor ~= "it" then
      count("failed")
    end
    return nil, true
  end

  local function describe_pending(element, _, message)
    write_below(("skipped %s: %s"):format(handler.getFullName(element), text_of(message)))
    return nil, true
  end

  local function file_start(file)
    counts, started, broken_line = {}, busted.monotime(), false
    write(file.name)
    return nil, true
  end

  local function file_end()
    local parts = {}
    for _, word in ipairs({ "passed", "failed", "skipped" }) do
      if counts[word] then
        parts[#parts + 1] = counts[word] .. " " .. word
      end
    end
    local summary = #parts > 0 and table.concat(parts, ", ") or "no tests"
    local text = ("%s (%.1f s)"):format(summary, busted.monotime() - started)
    write(broken_line and "  " or ": ", text, "\n")
    return nil, true
  end

  local function test_end(_, _, status)
    count(words[status])
    return nil, true
  end

  local function suite_end()
    record("ended")
    return nil, true
  end

  function handler.subscribe(_, settings)
    require("busted.languages." .. (settings.language or "en"))
    counts, started, broken_line = {}, busted.monotime(), true
    busted.subscribe({ "file", "start" }, file_start)
    busted.subscribe({ "file", "end" }, file_end)
    busted.subscribe({ "test", "end" }, test_end)
    busted.subscribe({ "suite", "end" }, suite_end)
    busted.subscribe({ "pending" }, describe_pending)
    busted.subscribe({ "failure" }, describe_failure)
    busted.subscribe({ "error" }, describe_failure)
  end

  return handler
end
