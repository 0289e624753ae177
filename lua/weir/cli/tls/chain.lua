-- A presented chain and a trust bundle as people look at them: who issued whom.
local core = require("weir.core")

local DAY = 86400

-- More certificates than this lead nowhere.
local MAX_PATH = 100

local chain = {}

local function described(pems, place)
  local list = {}
  for _, pem in ipairs(pems) do
    local found, err = core.x509_describe(pem)
    if not found then
      return nil, err
    end
    for _, certificate in ipairs(found) do
      certificate.place = place
      list[#list + 1] = certificate
    end
  end
  return list
end

-- Whether one certificate can have issued the other by their texts; signatures are the core's to
-- judge.
local function can_have_issued(issuer, certificate)
  if issuer.subject ~= certificate.issuer then
    return false
  end
  return not issuer.key_id or not certificate.issuer_key_id
    or issuer.key_id == certificate.issuer_key_id
end

-- The core prefers a trusted issuer to one that was sent.
local function issuer_of(certificate, trusted, sent, used)
  for _, list in ipairs({ trusted, sent }) do
    for _, candidate in ipairs(list) do
      if not used[candidate.sha256] and can_have_issued(candidate, certificate) then
        return candidate
      end
    end
  end
end

local function is_in(certificate, list)
  for _, other in ipairs(list) do
    if other.sha256 == certificate.sha256 then
      return true
    end
  end
  return false
end

-- From the leaf upwards until a certificate of the bundle, or until nobody is known to have issued
-- the last one. With `partial`, what is in the bundle ends the path; else only what is self-issued.
local function path_of(sent, trusted, partial)
  local path, used = {}, {}
  local current = sent[1]
  while current and #path < MAX_PATH do
    current.trusted = is_in(current, trusted)
    path[#path + 1], used[current.sha256] = current, true
    local self_issued = current.subject == current.issuer
    if self_issued or current.trusted and partial then
      break
    end
    current = issuer_of(current, trusted, sent, used)
  end
  return path, used
end

local function roles(path)
  for i, certificate in ipairs(path) do
    local last = i == #path and certificate.trusted
    certificate.role = last and "anchor" or i == 1 and "leaf" or "intermediate"
  end
end

--- Puts a chain in order.
-- @tparam table sent PEM texts that the peer sends, the leaf first
-- @tparam table trusted PEM texts of the bundle
-- @tparam boolean partial whether any certificate of the bundle is an anchor
-- @tparam number now seconds since the epoch
-- @treturn table|nil path: certificates from the leaf upwards (weir.core.x509_describe), each with
--   role ("leaf", "intermediate", "anchor"), place ("sent" or "bundle") and days_left; unused:
--   those that were sent beside the path; anchor: the last of the path, if it is one;
--   intermediates: how many lie between leaf and anchor, or above the leaf without one
-- @treturn nil|string
function chain.of(sent, trusted, partial, now)
  local sent_list, err = described(sent, "sent")
  if not sent_list then
    return nil, err
  end
  local trusted_list = described(trusted, "bundle") or {}
  local path, used = path_of(sent_list, trusted_list, partial)
  roles(path)
  local unused, seen = {}, {}
  for _, certificate in ipairs(sent_list) do
    if not used[certificate.sha256] and not seen[certificate.sha256] then
      certificate.role, seen[certificate.sha256] = "unused", true
      unused[#unused + 1] = certificate
    end
  end
  for _, list in ipairs({ path, unused }) do
    for _, certificate in ipairs(list) do
      certificate.days_left = math.floor((certificate.not_after - now) / DAY)
    end
  end
  local top = path[#path]
  local anchor = top and top.role == "anchor" and top or nil
  return {
    path = path,
    unused = unused,
    anchor = anchor,
    intermediates = math.max(#path - 1 - (anchor and #path > 1 and 1 or 0), 0),
  }
end

return chain
