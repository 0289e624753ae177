-- The module multipart, which plugins know from lua-multipart.

local multipart = require("multipart")

local TYPE = 'multipart/form-data; boundary="b"'

local function part(head, value)
  return ("--b\r\n%s\r\n\r\n%s\r\n"):format(head, value)
end

local TEXT = 'Content-Disposition: form-data; name="text"'
local FILE = 'Content-Disposition: form-data; name="file"; filename="a.txt"\r\n'
  .. "Content-Type: text/plain"
local BODY = part(TEXT, "one") .. part(FILE, "line\r\n\r\n--line") .. part(TEXT, "two")
  .. "--b--\r\n"

describe("multipart", function()
  local body

  before_each(function()
    body = multipart(BODY, TYPE)
  end)

  it("reads parts", function()
    assert.equal("one", body:get("text").value)
    assert.same({
      name = "file", value = "line\r\n\r\n--line",
      headers = { 'Content-Disposition: form-data; name="file"; filename="a.txt"',
        "Content-Type: text/plain" },
    }, body:get("file"))
    assert.is_nil(body:get("other"))
    assert.same({ "one", "two" }, body:get_as_array("text"))
    assert.same({ text = "two", file = "line\r\n\r\n--line" }, body:get_all())
  end)

  it("writes again what it has read", function()
    assert.equal(BODY, body:tostring())
  end)

  it("changes parts, adds and removes them", function()
    body:set_simple("text", 1)
    body:set_simple("new", "n", 'x".txt', "text/x")
    body:delete("file")
    assert.equal(part(TEXT, "1") .. part(TEXT, "two")
      .. part('Content-Disposition: form-data; name="new"; filename="x%22.txt"\r\n'
        .. "Content-Type: text/x", "n") .. "--b--\r\n", body:tostring())
    body:delete("text")
    assert.is_nil(body:get("text"))
  end)

  it("reads heads with lines that go on, of other letters, and none at all", function()
    local text = part('CONTENT-DISPOSITION: form-data;\r\n name=folded; x="name=y"\r\nX: y', "1")
      .. "--b \t\r\n\r\nnameless\r\n--b--\r\n"
    local read = multipart(text, TYPE)
    assert.same({ folded = "1" }, read:get_all())
    assert.equal((text:gsub(" \t", "")), read:tostring())
  end)

  it("begins with nothing where there is no body, or none that can be read", function()
    for _, text in ipairs({ "", "no parts", "--b\r\nwithout an end", "--bx\r\n\r\n--b--",
      part(TEXT, "the end is missing"), "--b\r\n" .. TEXT .. "\r\n--b--" }) do
      assert.same({}, multipart(text, TYPE):get_all())
    end
    local made = multipart(nil, nil)
    made:set_simple("a", "b")
    local again = multipart(made:tostring(), "multipart/form-data; boundary=" .. made.boundary)
    assert.same({ a = "b" }, again:get_all())
  end)
end)
