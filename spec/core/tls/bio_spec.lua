local cimport = require "spec.support.cimport"
local ffi = require "ffi"

local C = cimport("tls/bio.h", "net/loop.h")

ffi.cdef [[
int BIO_read(void *bio, void *p, int n);
int BIO_write(void *bio, const void *p, int n);
int BIO_test_flags(const void *bio, int flags);
long BIO_ctrl(void *bio, int command, long number, void *pointer);
int BIO_free(void *bio);
int socketpair(int domain, int type, int protocol, int fds[2]);
ssize_t read(int fd, void *p, size_t n);
int close(int fd);
]]

local crypto = ffi.load("crypto")

local SHOULD_RETRY_READ, FLUSH, EOF = 0x09, 11, 2
local OUT = 128 * 1024

describe("bio", function()
  local loop, window, bio, fds

  before_each(function()
    loop, fds = C.loop_new(), ffi.new("int[2]")
    assert(ffi.C.socketpair(1, 0x801, 0, fds) == 0)
    window = ffi.new("struct bio_window", { conn = C.conn_from_fd(loop, fds[0]) })
    bio = C.bio_new(window)
    assert(bio ~= nil)
  end)

  after_each(function()
    crypto.BIO_free(bio)
    C.conn_close(window.conn)
    ffi.C.close(fds[1])
    C.loop_stop(loop)
    C.loop_run(loop)
    C.loop_free(loop)
  end)

  local buffer = ffi.new("char[?]", 2 * OUT)

  it("reads what has arrived, then asks to be called again", function()
    local text = "sixteen bytes..."
    window["in"], window.in_len = text, #text
    assert.equal(5, crypto.BIO_read(bio, buffer, 5))
    assert.equal(11, crypto.BIO_read(bio, buffer + 5, 100))
    assert.equal(text, ffi.string(buffer, 16))
    assert.equal(-1, crypto.BIO_read(bio, buffer, 1))
    assert.equal(SHOULD_RETRY_READ, crypto.BIO_test_flags(bio, SHOULD_RETRY_READ))
    assert.equal(0, tonumber(crypto.BIO_ctrl(bio, EOF, 0, nil)))
  end)

  it("gathers what is written and lets it go at once", function()
    assert.equal(3, crypto.BIO_write(bio, "abc", 3))
    assert.equal(2, crypto.BIO_write(bio, "de", 2))
    assert.equal(1, tonumber(crypto.BIO_ctrl(bio, FLUSH, 0, nil)))
    assert.equal(5, tonumber(window.out_len))
    assert.equal(-1, tonumber(ffi.C.read(fds[1], buffer, 100)))
    C.bio_flush(window)
    C.conn_flush(window.conn)
    assert.equal(5, tonumber(ffi.C.read(fds[1], buffer, 100)))
    assert.equal("abcde", ffi.string(buffer, 5))
    assert.equal(0, tonumber(window.out_len))
    C.bio_flush(window)
    C.conn_flush(window.conn)
    assert.equal(-1, tonumber(ffi.C.read(fds[1], buffer, 100)))
  end)

  it("takes more than the block holds, in order", function()
    local text = ("0123456789abcdef"):rep(OUT / 16) .. "the rest"
    assert.equal(#text, crypto.BIO_write(bio, text, #text))
    C.bio_flush(window)
    C.conn_flush(window.conn)
    local got = 0
    while got < #text do
      local n = tonumber(ffi.C.read(fds[1], buffer + got, 2 * OUT - got))
      if n <= 0 then
        break
      end
      got = got + n
    end
    assert.equal(text:sub(1, got), ffi.string(buffer, got))
    assert.equal(#text - got, tonumber(window.conn.pending.len))
  end)
end)
