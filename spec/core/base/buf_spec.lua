local ffi = require "ffi"
local cimport = require "spec.support.cimport"
local C = cimport("base/buf.h")

local CHUNK = 16 * 1024


describe("base/buf", function()
  local pool, buf

  before_each(function()
    pool = ffi.new("struct buf_pool")
    buf = ffi.new("struct buf")
    C.buf_pool_init(pool)
    C.buf_init(buf, pool)
  end)

  after_each(function()
    C.buf_clear(buf)
    C.buf_pool_done(pool)
  end)

  local function drain(step)
    local out = {}
    while buf.len > 0 do
      local front = C.buf_front(buf)
      local n = math.min(step, tonumber(front.n))
      out[#out + 1] = ffi.string(front.p, n)
      C.buf_consume(buf, n)
    end
    return table.concat(out)
  end

  it("is empty at first and owns nothing", function()
    assert.equal(0, tonumber(buf.len))
    assert.equal(0, tonumber(C.buf_front(buf).n))
    assert.equal(0, tonumber(pool.in_use))
    C.buf_append(buf, nil, 0)
    assert.equal(0, tonumber(pool.in_use))
  end)

  it("gives back the bytes in order, whatever the sizes of the pieces", function()
    local expected = {}
    for i = 1, 300 do
      local piece = string.char(i % 256):rep(i * 7 % 1999)
      expected[i] = piece
      C.buf_append(buf, piece, #piece)
    end
    expected = table.concat(expected)
    assert.equal(#expected, tonumber(buf.len))
    assert.equal(math.ceil(#expected / CHUNK), tonumber(pool.in_use))
    assert.is_true(drain(1237) == expected)
  end)

  it("gives its last chunk back as soon as it is empty", function()
    C.buf_append(buf, "abc", 3)
    C.buf_consume(buf, 2)
    assert.equal(1, tonumber(pool.in_use))
    C.buf_consume(buf, 1)
    assert.equal(0, tonumber(pool.in_use))
    assert.equal(1, tonumber(pool.count))
    C.buf_append(buf, "def", 3)
    assert.equal(0, tonumber(pool.count))
    assert.equal("def", drain(10))
  end)

  it("consumes across chunks", function()
    local data = ("0123456789"):rep(5000)
    C.buf_append(buf, data, #data)
    C.buf_consume(buf, CHUNK + 1)
    assert.is_true(drain(CHUNK) == data:sub(CHUNK + 2))
  end)

  it("shows the pieces from any offset on", function()
    local data = ("0123456789"):rep(5000)
    C.buf_append(buf, "gone", 4)
    C.buf_append(buf, data, #data)
    C.buf_consume(buf, 4)
    for _, from in ipairs({ 0, 1, CHUNK - 5, CHUNK - 4, CHUNK, 2 * CHUNK, #data - 1 }) do
      local at, out = from, {}
      while at < #data do
        local piece = C.buf_at(buf, at)
        out[#out + 1] = ffi.string(piece.p, piece.n)
        at = at + tonumber(piece.n)
      end
      assert.is_true(table.concat(out) == data:sub(from + 1), from)
    end
    assert.equal(#data, tonumber(buf.len))
  end)

  it("lists its pieces for writev", function()
    local data = ("abcdefgh"):rep(CHUNK / 2)
    C.buf_append(buf, data, #data)
    C.buf_consume(buf, 5)
    local iov = ffi.new("struct iovec[8]")
    assert.equal(2, C.buf_iov(buf, iov, 2))
    assert.equal(CHUNK - 5, tonumber(iov[0].iov_len))
    local count = C.buf_iov(buf, iov, 8)
    assert.equal(4, count)
    local pieces = {}
    for i = 0, count - 1 do
      pieces[#pieces + 1] = ffi.string(iov[i].iov_base, iov[i].iov_len)
    end
    assert.is_true(table.concat(pieces) == data:sub(6))
  end)

  it("keeps at most 64 free chunks", function()
    local data = ("x"):rep(100 * CHUNK)
    C.buf_append(buf, data, #data)
    assert.equal(100, tonumber(pool.in_use))
    C.buf_clear(buf)
    assert.equal(0, tonumber(buf.len))
    assert.equal(0, tonumber(pool.in_use))
    assert.equal(64, tonumber(pool.count))
  end)
end)
