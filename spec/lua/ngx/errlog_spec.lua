-- The module ngx.errlog.

local fake = require("spec.support.fake_abi").install()
require("weir.pdk").install({})

describe("ngx.errlog", function()
  local errlog

  before_each(function()
    fake.install()
    package.loaded["ngx.errlog"] = nil
    errlog = require("ngx.errlog")
  end)

  it("writes lines as they are", function()
    errlog.raw_log(ngx.WARN, "mine: 1%")
    assert.same({ { level = 4, text = "mine: 1%" } }, fake.log)
  end)

  it("tells the log's level", function()
    fake.level = 4
    assert.equal(ngx.WARN, errlog.get_sys_filter_level())
  end)

  it("takes a level and a text", function()
    assert.has_error(function() errlog.raw_log(9, "x") end,
      "bad argument #1 to 'raw_log' (must be between 0 and 8)")
    assert.has_error(function() errlog.raw_log(ngx.ERR, 1) end,
      "bad argument #2 to 'raw_log' (must be a string)")
  end)
end)
