local inputs = require("weir.ngx.socket.input")

-- What a cosocket makes of the pieces that arrive.
describe("weir.ngx.socket.input", function()
  -- An input whose source gives these pieces, and fails then.
  local function of(pieces, err)
    local at = 0
    return inputs.new(function()
      at = at + 1
      if pieces[at] then
        return pieces[at]
      end
      return nil, err or "closed"
    end)
  end

  it("reads just so many bytes, wherever the pieces end", function()
    local input = of({ "ab", "cde", "f" })
    assert.equal("abc", input:exactly(3))
    assert.equal("d", input:exactly(1))
    assert.is_false(input:is_empty())
    assert.same({ nil, "closed", "ef" }, { input:exactly(3) })
    assert.is_true(input:is_empty())
  end)

  it("reads lines without their ends", function()
    local input = of({ "one\r", "\ntwo\n\nth", "ree" }, "timeout")
    assert.equal("one", input:line())
    assert.equal("two", input:line())
    assert.equal("", input:line())
    assert.same({ nil, "timeout", "three" }, { input:line() })
  end)

  it("reads all until the other side closes, and says when it does not", function()
    assert.equal("abc", of({ "a", "bc" }):all())
    assert.equal("", of({}):all())
    assert.same({ nil, "timeout", "a" }, { of({ "a" }, "timeout"):all() })
  end)

  it("reads what there is", function()
    local input = of({ "abc" })
    assert.equal("ab", input:any(2))
    assert.equal("c", input:any(2))
    assert.same({ nil, "closed" }, { input:any(2) })
  end)

  describe("up to a pattern", function()
    it("reads what is before it, also where pieces cut it", function()
      local input = of({ "one-", "-two--", "th-ree" })
      local read = input:until_pattern("--", false)
      assert.equal("one", read())
      assert.equal("two", read())
      assert.same({ nil, "closed", "th-ree" }, { read() })
    end)

    it("reads it too, if wanted, and takes it as plain bytes", function()
      local read = of({ "a.b%sc%s" }):until_pattern("%s", true)
      assert.equal("a.b%s", read())
      assert.equal("c%s", read())
    end)

    it("finds one that overlaps itself", function()
      assert.equal("aa", of({ "aa", "ab", "ac" }):until_pattern("abac", false)())
    end)

    it("reads in pieces, which end with nil", function()
      local input = of({ "hell", "o wor", "ld\r\n--x", "rest" })
      local read = input:until_pattern("\r\n--x", false)
      local pieces = {}
      for piece in function() return read(4) end do
        pieces[#pieces + 1] = piece
      end
      assert.equal("hello world", table.concat(pieces))
      for _, piece in ipairs(pieces) do
        assert.is_true(#piece <= 4)
      end
      assert.equal("rest", input:exactly(4))
    end)
  end)
end)
