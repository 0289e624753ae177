-- Which place decides about which field: from the layers of configuration, most specific first, to
-- one value for each field and the layer that it came from.

local effective = {}

-- In the order in which they are shown. Fields of one line are one decision: the first layer that
-- sets any of them decides about all of them, so that a route that names its CA certificates is not
-- widened by what somebody set for all.
local DECISIONS = {
  { "mode" },
  { "tls_verify_depth" },
  { "ca_certificates", "system_cas" },
  { "partial_chain" },
  { "names", "verify_name" },
  { "sni" },
  { "pins" },
  { "crl" },
  { "crl_check" },
  { "ocsp" },
  { "client_certificate" },
  { "min_version" },
  { "max_version" },
  { "ciphers" },
  { "ciphersuites" },
  { "groups" },
  { "sigalgs" },
  { "alpn" },
  { "security_level" },
  { "strict" },
  { "next_ca_certificates", "next_system_cas" },
}

-- What the core does where nothing is set, to be shown.
local DEFAULTS = {
  mode = "off",
  tls_verify_depth = 100,
  system_cas = false,
  partial_chain = false,
  verify_name = true,
  sni = "upstream_host",
  ocsp = "off",
  min_version = "TLSv1.2",
  max_version = "TLSv1.3",
  alpn = "http/1.1",
  security_level = 2,
  strict = false,
}

-- Field -> its decision; field -> what to show where nobody sets it.
local DECISION_OF, DEFAULT_FIELDS = {}, {}
for _, decision in ipairs(DECISIONS) do
  for _, name in ipairs(decision) do
    DECISION_OF[name] = decision
    DEFAULT_FIELDS[name] = { name = name, value = DEFAULTS[name], origin = "default" }
  end
end

-- Decision -> the first layer that says something about it. There are many fields, and layers set
-- few of them.
local function deciding(layers)
  local deciders = {}
  for i = #layers, 1, -1 do
    for name in pairs(layers[i].values) do
      local decision = DECISION_OF[name]
      if decision then
        deciders[decision] = layers[i]
      end
    end
  end
  return deciders
end

-- Where a value of a layer was written.
local function origin_of(layer, name)
  return layer.prefix and layer.prefix .. (layer.written_as[name] or name) or layer.origin
end

local function combine(layers)
  local result, fields = {}, {}
  local deciders = deciding(layers)
  for _, decision in ipairs(DECISIONS) do
    local layer = deciders[decision]
    for _, name in ipairs(decision) do
      local set = layer ~= nil and layer.values[name] ~= nil
      if set then
        result[name] = layer.values[name]
        fields[#fields + 1] = {
          name = name, value = layer.values[name], origin = origin_of(layer, name),
        }
      else
        fields[#fields + 1] = DEFAULT_FIELDS[name]
      end
    end
  end
  return result, fields
end

-- A tree with a step for each layer: what a row of layers comes to is at its end. Most rows are
-- those of thousands of routes.
local function new_step()
  return setmetatable({}, { __mode = "k" })
end

local root = new_step()

--- @tparam table layers list of { values = field -> value, and either origin = text, or prefix and
-- written_as = field -> the name it has there }
-- @treturn table field -> value, of those that are set; not to be changed, and the same table for
-- the same layers
-- @treturn table list of { name, value, origin }, every field in its order, with its default; the
-- same goes for it
function effective.of(layers)
  local at = root
  for _, layer in ipairs(layers) do
    at[layer] = at[layer] or new_step()
    at = at[layer]
  end
  if not at.values then
    at.values, at.fields = combine(layers)
  end
  return at.values, at.fields
end

return effective
