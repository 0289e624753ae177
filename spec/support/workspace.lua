-- The directory of one test run, the processes it started, and waiting for a condition.
--
-- busted reloads every module for each spec file, so what has to last for the whole run (the
-- directory with the generated certificates) is kept in the registry of the Lua state.

local process = require("spec.support.process")

local workspace = {}

local KEY = "weir.spec.workspace"
local run = debug.getregistry()[KEY]

local function remove(path)
  assert(path:find("weir-spec", 1, true))
  os.execute("rm -rf '" .. path .. "'")
end

if not run then
  local base = os.getenv("TMPDIR") or "/tmp"
  run = { counter = 0, path = ("%s/weir-spec-%d"):format(base, process.self()) }
  assert(os.execute("mkdir -p '" .. run.path .. "'"))
  run.guard = newproxy(true)
  getmetatable(run.guard).__gc = function()
    if not os.getenv("WEIR_SPEC_KEEP") then
      remove(run.path)
    end
  end
  debug.getregistry()[KEY] = run
end

--- A directory that lasts until the end of the run, the same for the same name.
-- @tparam string name
-- @treturn string path
function workspace.shared(name)
  local path = run.path .. "/" .. name
  assert(os.execute("mkdir -p '" .. path .. "'"))
  return path
end

--- A fresh directory.
-- @treturn string path
function workspace.directory()
  run.counter = run.counter + 1
  return workspace.shared(("d%04d"):format(run.counter))
end

--- Write a file and give its path back.
function workspace.write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  file:close()
  return path
end

--- Poll until a condition holds.
-- @tparam function condition returns a true value when done
-- @tparam string what for the error message
-- @tparam ?number seconds limit; generous on purpose, a passing test never waits for it
-- @tparam ?function context text that explains the failure
-- @return what the condition returned
function workspace.eventually(condition, what, seconds, context)
  for _ = 1, (seconds or 20) * 100 do
    local value = condition()
    if value then
      return value
    end
    process.sleep(10)
  end
  error("gave up waiting for " .. what .. (context and ("\n" .. context()) or ""), 2)
end

local started = {}

--- Start a process that `stop_all` ends; its output goes to files of a fresh directory.
-- @tparam table spec as for process.start
function workspace.start(spec)
  local directory = spec.directory or workspace.directory()
  spec.stdout = spec.stdout or directory .. "/stdout"
  spec.stderr = spec.stderr or directory .. "/stderr"
  local child = process.start(spec)
  started[#started + 1] = child
  return child
end

--- Run a program to its end.
-- @tparam table spec as for process.start, and `seconds` as the limit (60)
-- @treturn table {code=, signal=, stdout=, stderr=}
function workspace.run(spec)
  local child = workspace.start(spec)
  started[#started] = nil
  local status = child:wait(spec.seconds or 60)
  if not status then
    child:stop(process.SIGKILL)
    error("still running after its time: " .. child.name .. "\n" .. child:errors(), 2)
  end
  return {
    code = status.code,
    signal = status.signal,
    stdout = child:output(),
    stderr = child:errors(),
  }
end

--- End everything that this spec file has started, newest first.
function workspace.stop_all()
  for i = #started, 1, -1 do
    started[i]:stop()
    started[i] = nil
  end
end

return workspace
