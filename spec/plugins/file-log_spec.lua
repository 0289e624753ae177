-- file-log: how lines get into files, and what its schema refuses.

local ffi = require("ffi")
local fake = require("spec.support.fake_abi").install()
local helpers = require("spec.helpers")
local pdk = require("weir.pdk")
local plugin = require("spec.support.plugin")
local appender = require("kong.plugins.file-log.appender")
local handler = require("kong.plugins.file-log.handler")
local schema = require("kong.plugins.file-log.schema")

ffi.cdef [[ int mkfifo(const char *path, unsigned mode); ]]

describe("file-log", function()
  local path

  setup(function()
    fake.install()
    pdk.install({ untrusted_lua = "sandbox" })
  end)
  before_each(function()
    path = helpers.directory() .. "/requests.log"
  end)
  after_each(function()
    appender.keep({})
  end)

  local function open_files()
    local count = 0
    for _ in io.popen("ls -l /proc/$PPID/fd"):read("*a"):gmatch("requests%.log") do
      count = count + 1
    end
    return count
  end

  describe("a file", function()
    it("is made, and gets lines at its end", function()
      assert.is_true(appender.append(path, "one\n", false))
      assert.is_true(appender.append(path, "two\n", false))
      helpers.write(path, "")
      assert.is_true(appender.append(path, "three\n", false))
      assert.equal("three\n", helpers.read(path))
    end)

    it("stays open, so that what was moved away gets the next line", function()
      assert.is_true(appender.append(path, "one\n", false))
      assert(os.rename(path, path .. ".1"))
      assert.is_true(appender.append(path, "two\n", false))
      assert.equal("one\ntwo\n", helpers.read(path .. ".1"))
      assert.equal(1, open_files())
    end)

    it("is opened anew where that is asked for", function()
      assert.is_true(appender.append(path, "one\n", true))
      assert(os.rename(path, path .. ".1"))
      assert.is_true(appender.append(path, "two\n", true))
      assert.equal("one\n", helpers.read(path .. ".1"))
      assert.equal("two\n", helpers.read(path))
      assert.equal(1, open_files())
    end)

    it("is closed when no configuration names it", function()
      assert.is_true(appender.append(path, "one\n", false))
      handler:configure({ { path = path } })
      assert.equal(1, open_files())
      handler:configure(nil)
      assert.equal(0, open_files())
    end)

    it("that cannot be opened is an error", function()
      local ok, err = appender.append(path .. "/below", "one\n", false)
      assert.is_nil(ok)
      assert.equal("failed to open the file: No such file or directory", err)
    end)

    it("on a full disk is an error", function()
      local ok, err = appender.append("/dev/full", "one\n", false)
      assert.is_nil(ok)
      assert.equal("failed to write to the file: No space left on device", err)
    end)
  end)

  describe("a pipe", function()
    before_each(function()
      assert.equal(0, ffi.C.mkfifo(path, 384))
    end)

    it("that nobody reads refuses lines", function()
      local ok, err = appender.append(path, "one\n", false)
      assert.is_nil(ok)
      assert.matches("^failed to open the file: No such device", err)
    end)

    it("refuses lines while it is full", function()
      local reader = io.open(path, "r+")
      local line, ok, err = ("x"):rep(4095) .. "\n", true, nil
      for _ = 1, 1024 do
        ok, err = appender.append(path, line, false)
        if not ok then
          break
        end
      end
      assert.is_nil(ok)
      assert.equal("failed to write to the file: Resource temporarily unavailable", err)
      assert.equal(line, reader:read(4096))
      assert.is_true(appender.append(path, line, false))
      reader:close()
    end)
  end)

  it("has a path that is a file name", function()
    assert.is_table(plugin.configure(schema, { path = "/dev/stdout" }))
    for _, bad in ipairs({ "/tmp/*", "a&b", "100%", "back`tick", "back\\slash" }) do
      local conf, err = plugin.configure(schema, { path = bad })
      assert.is_nil(conf)
      assert.equal("not a valid filename", err)
    end
    assert.is_nil(plugin.configure(schema, {}))
    assert.is_false(plugin.configure(schema, { path = "x" }).reopen)
  end)
end)
