-- Against zlib in other hands: Python's.

local ffi = require("ffi")
local helpers = require("spec.helpers")
local http = require("spec.support.http")
local cimport = require("spec.support.cimport")
local C = cimport("base/gzip.h")

-- All pieces of at most `len` bytes; nil and what is wrong.
local function run(way, text, len)
  local handle = ffi.gc(C.gzip_new(way, http.str(text)), C.gzip_free)
  local out, n, pieces = ffi.new("char[?]", len), ffi.new("size_t[1]"), {}
  local state
  repeat
    state = C.gzip_take(handle, out, len, n)
    pieces[#pieces + 1] = ffi.string(out, n[0])
  until state ~= C.GZIP_MORE
  if state == C.GZIP_BROKEN then
    return nil, ffi.string(C.gzip_problem(handle))
  end
  return table.concat(pieces), #pieces
end

local function inflate(text, len)
  return run(C.GZIP_INFLATE, text, len or 4096)
end

local function deflate(text, len)
  return run(C.GZIP_DEFLATE, text, len or 4096)
end

local function python(code, text)
  local file = helpers.write(helpers.directory() .. "/in", text)
  local script = "import gzip, sys, zlib\ndata = open(sys.argv[1], 'rb').read()\n"
    .. "sys.stdout.buffer.write(" .. code .. ")"
  return helpers.run({ "python3", "-c", script, file }).stdout
end

local TEXTS = {
  empty = "", short = "hello", zeros = ("\0"):rep(300000),
  mixed = ("The quick brown fox. "):rep(5000) .. string.char(0, 255, 254),
}

describe("base/gzip", function()
  for name, text in pairs(TEXTS) do
    it("makes what others inflate, and inflates what others make: " .. name, function()
      assert.equal(text, python("gzip.decompress(data)", deflate(text)))
      assert.equal(text, (inflate(python("gzip.compress(data)", text))))
      assert.equal(text, (inflate(python("zlib.compress(data)", text))))
    end)
  end

  it("takes pieces of any length", function()
    local packed = deflate(TEXTS.mixed, 7)
    assert.equal((deflate(TEXTS.mixed)), packed)
    local text, pieces = inflate(packed, 11)
    assert.equal(TEXTS.mixed, text)
    assert.is_true(pieces >= #text / 11)
  end)

  it("inflates members one after another", function()
    assert.equal("onetwo", (inflate(deflate("one") .. deflate("two"))))
  end)

  local whole = deflate("hello")
  for name, text in pairs({
    ["nothing"] = "", ["no gzip"] = "hello", ["one without its end"] = whole:sub(1, -2),
    ["one with something behind it"] = whole .. "x",
    ["one with another checksum"] = whole:sub(1, -9) .. "\0\0\0\0" .. whole:sub(-4),
    ["one with another length"] = whole:sub(1, -2) .. "\255",
  }) do
    it("does not take " .. name, function()
      local inflated, problem = inflate(text)
      assert.is_nil(inflated)
      assert.is_true(#problem > 0)
    end)
  end
end)
