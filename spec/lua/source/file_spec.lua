local source = require("weir.source.file")

describe("weir.source.file", function()
  it("reads a file each time it is asked", function()
    local path = os.tmpname()
    finally(function() os.remove(path) end)
    local function write(text)
      local file = assert(io.open(path, "w"))
      file:write(text)
      file:close()
    end
    local file = source.new(path)
    for _, text in ipairs({ "a: 1\n", "", ("x"):rep(200000) }) do
      write(text)
      local read, name = file:load()
      assert.equal(text, read)
      assert.equal(path, name)
    end
  end)

  it("says what is wrong with what it cannot read", function()
    for path, expected in pairs({
      ["/no/such/file"] = "cannot read /no/such/file: No such file or directory",
      ["/tmp"] = "cannot read /tmp: Is a directory",
    }) do
      local text, err = source.new(path):load()
      assert.is_nil(text)
      assert.equal(expected, err)
    end
  end)

  it("does not read without end", function()
    local text, err = source.new("/dev/zero"):load()
    assert.is_nil(text)
    assert.matches("^/dev/zero: larger than %d+ bytes$", err)
  end)

  it("calls standard input by a name", function()
    assert.equal("<stdin>", source.new("-").name)
  end)
end)
