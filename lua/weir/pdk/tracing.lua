-- kong.tracing: spans of requests. Weir exports no traces, so nothing is sampled, and every span is
-- the one that records nothing, as Kong's is while tracing is off. Plugins that instrument
-- themselves run unchanged.
local phase = require("weir.pdk.phase")

local LOG = phase.set("log")

local function nothing()
end

-- Its functions can be called with a dot or a colon.
local fields = {
  is_recording = false,
  should_sample = false,
}
for _, name in ipairs({
  "finish", "set_attribute", "add_event", "record_error", "set_status", "set_baggage_item",
  "link_span", "release",
}) do
  fields[name] = nothing
end

--- Iterates over its baggage: none.
function fields.each_baggage_item()
  return nothing
end

-- All requests have this one: what is written into it is dropped.
local span = setmetatable({}, { __index = fields, __newindex = nothing })

local function give_span()
  return span
end

--- The span that is active.
-- @function kong.tracing.active_span
-- @treturn nil

--- Makes a span the active one.
-- @function kong.tracing.set_active_span
-- @tparam table active

--- Begins a span.
-- @function kong.tracing.start_span
-- @tparam string name
-- @tparam ?table options
-- @treturn table the one that records nothing: its methods can be called and do nothing

--- Makes a span.
-- @function kong.tracing.create_span
-- @tparam ?table ctx
-- @tparam ?table options
-- @treturn table as of start_span()

--- Says whether spans are to be recorded, which they are not.
-- @function kong.tracing.set_should_sample
-- @tparam boolean whether

-- A tracer; all are alike.
local function new_tracer(name)
  local tracer = {
    name = name,
    active_span = nothing,
    set_active_span = nothing,
    start_span = give_span,
    create_span = give_span,
    set_should_sample = nothing,
  }

  --- Whether the spans of a request are recorded.
  -- @treturn boolean
  function tracer.get_sampling_decision()
    return false
  end

  --- Calls a function for each finished span: there are none.
  -- @tparam function processor
  function tracer.process_span(processor)
    phase.check(LOG)
    if type(processor) ~= "function" then
      error("processor must be a function", 2)
    end
  end

  --- A tracer of another name.
  -- @tparam string name
  -- @treturn table
  tracer.new = new_tracer

  return tracer
end

return new_tracer("core")
