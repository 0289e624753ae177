-- `make reference`: writes the PDK's page and its annotations.
--
--   luajit spec/reference/run.lua     from the top of the tree, with WEIR_TEST_LIB

package.path = "./?.lua;./lua/?.lua;" .. package.path
dofile("spec/support/setup.lua")

local files, problems = require("spec.reference.files").of(require("spec.reference.surface").read())

for _, problem in ipairs(problems) do
  io.stderr:write(problem, "\n")
end
for path, text in pairs(files) do
  local file = assert(io.open(path, "w"))
  assert(file:write(text))
  file:close()
  print("  written  " .. path)
end
os.exit(problems[1] and 1 or 0)
