-- Which groups are let in, or kept out. Fields and rules are Kong's.

local typedefs = require("kong.db.schema.typedefs")

local GROUPS = { type = "array", elements = { type = "string" } }

local function flag(validator)
  return { type = "boolean", required = true, default = false, custom_validator = validator }
end

local function check_consumer_groups(wanted)
  if wanted then
    return nil, "there are no consumer groups: give consumers groups in `acls`"
  end
  return true
end

return {
  name = "acl",
  fields = {
    { consumer = typedefs.no_consumer },
    { protocols = typedefs.protocols_http },
    { config = {
      type = "record",
      fields = {
        { allow = GROUPS },
        { deny = GROUPS },
        { hide_groups_header = flag() },
        { include_consumer_groups = flag(check_consumer_groups) },
        { always_use_authenticated_groups = flag() },
      },
    } },
  },
  entity_checks = { { only_one_of = { "config.allow", "config.deny" } } },
}
