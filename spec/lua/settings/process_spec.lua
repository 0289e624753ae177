local environment = require("weir.settings.environment")
local processors = require("weir.settings.processors")

describe("weir.settings.environment", function()
  it("lists the variables", function()
    local found
    for _, entry in ipairs(environment.list()) do
      assert.matches("^[^=]", entry)
      found = found or entry == "PATH=" .. os.getenv("PATH")
    end
    assert.is_true(found)
  end)
end)

describe("weir.settings.processors", function()
  it("counts as nproc does", function()
    local pipe = assert(io.popen("env -u OMP_NUM_THREADS nproc"))
    local expected = pipe:read("*n")
    pipe:close()
    assert.equal(expected, processors.count())
  end)
end)
