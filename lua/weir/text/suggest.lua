-- "Did you mean …?": the known name nearest to a mistyped one.
local suggest = {}

-- Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours
-- each cost one.
local function distance(a, b)
  local before, previous, current = {}, {}, {}
  for j = 0, #b do
    previous[j] = j
  end
  for i = 1, #a do
    current[0] = i
    for j = 1, #b do
      local substitution = a:byte(i) == b:byte(j) and 0 or 1
      local best = math.min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + substitution)
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        best = math.min(best, before[j - 2] + 1)
      end
      current[j] = best
    end
    before, previous, current = previous, current, before
  end
  return previous[#b]
end

--- The candidate nearest to `word`, if one is near enough to be a likely typing error.
-- @tparam string word what was written
-- @tparam {string,...} candidates the names that would have been right
-- @treturn string|nil the nearest candidate; the alphabetically first of equals
function suggest.nearest(word, candidates)
  if type(word) ~= "string" or #word > 64 then
    return nil
  end
  local limit = math.max(1, math.floor(#word / 3))
  local best, best_distance
  local lowered = word:lower():gsub("-", "_")
  for _, candidate in ipairs(candidates) do
    if math.abs(#candidate - #word) <= limit then
      local d = distance(lowered, (candidate:lower():gsub("-", "_")))
      local better = d <= limit and d < #candidate
        and (not best or d < best_distance or d == best_distance and candidate < best)
      if better then
        best, best_distance = candidate, d
      end
    end
  end
  return best
end

--- The same as a phrase to append to a message: ` (did you mean 'x'?)`, or the empty string.
-- @tparam string word
-- @tparam {string,...} candidates
-- @treturn string
function suggest.phrase(word, candidates)
  local best = suggest.nearest(word, candidates)
  return best and (" (did you mean '%s'?)"):format(best) or ""
end

return suggest
