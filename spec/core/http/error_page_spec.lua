local http = require("spec.support.http")
local C, str, text = http.C, http.str, http.text

local ID = ("0123456789abcdef"):rep(2)
local BAD_GATEWAY = "An invalid response was received from the upstream server"

local function body(type, message, id)
  return text(C.page_body(http.arena(), type, str(message), str(id or ID)))
end

describe("error page", function()
  it("has Kong's JSON body", function()
    local page = body(C.PAGE_JSON, BAD_GATEWAY)
    assert.equal(126, #page)
    assert.equal('{\n  "message":"' .. BAD_GATEWAY .. '",\n  "request_id":"' .. ID .. '"\n}', page)
  end)

  it("has Kong's other bodies", function()
    assert.equal("Not found\nrequest_id: " .. ID .. "\n", body(C.PAGE_PLAIN, "Not found"))
    assert.equal('<?xml version="1.0" encoding="UTF-8"?>\n<error>\n  <message>Not found</message>\n'
      .. "  <requestid>" .. ID .. "</requestid>\n</error>\n", body(C.PAGE_XML, "Not found"))
    local html = body(C.PAGE_HTML, "Not found")
    assert.equal("<!doctype html>", html:match("^[^\n]*"))
    local parts = { "<h1>Error</h1>", "<p>Not found.</p>", "<p>request_id: " .. ID .. "</p>" }
    for _, part in ipairs(parts) do
      assert.is_truthy(html:find(part, 1, true))
    end
  end)

  it("escapes what the form requires", function()
    local nasty = 'a"b\\c<d>&\n\r\t\1\127\195\164'
    assert.is_truthy(body(C.PAGE_JSON, nasty):find('"a\\"b\\\\c<d>&\\n\\r\\t\\u0001\127\195\164"',
      1, true))
    assert.is_truthy(body(C.PAGE_XML, nasty):find(">a&quot;b\\c&lt;d&gt;&amp;\n?\t?\127\195\164<",
      1, true))
    assert.is_truthy(body(C.PAGE_HTML, "<script>"):find("&lt;script&gt;", 1, true))
    assert.equal(nasty .. "\nrequest_id: x\n", body(C.PAGE_PLAIN, nasty, "x"))
    assert.is_truthy(body(C.PAGE_JSON, "", '"'):find('"message":"",\n  "request_id":"\\""', 1,
      true))
    assert.same({ message = nasty, request_id = ID },
      require("cjson").decode(body(C.PAGE_JSON, nasty)))
  end)

  local J, H, P, X = C.PAGE_JSON, C.PAGE_HTML, C.PAGE_PLAIN, C.PAGE_XML
  local accepts = {
    ["*/*"] = J, ["text/html"] = H, ["TEXT/HTML"] = H, ["text/plain"] = P, ["text/*"] = P,
    ["application/xml"] = X,
    ["application/*"] = J, ["application/json"] = J, ["image/png"] = J, [""] = J, [","] = J,
    ["garbage"] = J,
    ["text/html, application/json"] = H, ["application/json, text/html"] = J,
    ["text/html;q=0.5, application/json;q=0.4"] = H,
    ["text/html;q=0.4, application/json;q=0.5"] = J,
    ["text/html;q=0, application/xml;q=0.001"] = X, ["text/html;q=0"] = J,
    ["text/html;level=1;q=0.2, text/plain; Q = 0.3"] = P, ["text/html;q=x, text/plain;q=0.1"] = P,
    ["text/html; q=1.000, */*"] = H, ["image/png, text/html;q=0.1"] = J,
    ["application/vnd.x+json, text/plain;q=0.9"] = J, ["image/*;q=0.1, text/plain;q=0.2"] = P,
    ["garbage, text/html;q=0.1"] = H,
    ["text/plain;q=2, text/html"] = P,
    ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"] = H,
  }
  for accept, type in pairs(accepts) do
    it("answers to Accept: " .. accept, function()
      local head = http.head({ { "Accept", accept }, { "Content-Type", "text/html" } },
        http.arena())
      assert.equal(tonumber(type), tonumber(C.page_negotiate(head, C.PAGE_PLAIN)))
    end)
  end

  it("reads all Accept fields", function()
    local head = http.head({ { "Accept", "text/plain;q=0.5" }, { "Accept", "text/html" } },
      http.arena())
    assert.equal(tonumber(H), tonumber(C.page_negotiate(head, P)))
  end)

  it("knows nothing but Accept where a plugin answers, JSON without it", function()
    local function of(fields)
      return tonumber(C.page_accepted(http.head(fields, http.arena())))
    end
    assert.equal(tonumber(J), of({}))
    assert.equal(tonumber(J), of({ { "Content-Type", "text/html" } }))
    assert.equal(tonumber(H), of({ { "Accept", "text/html" }, { "Content-Type", "text/plain" } }))
    assert.equal(tonumber(J), of({ { "Accept", "image/png" } }))
  end)

  it("goes by Content-Type, then by the fallback", function()
    local function of(fields)
      return tonumber(C.page_negotiate(http.head(fields, http.arena()), C.PAGE_PLAIN))
    end
    assert.equal(tonumber(H), of({ { "Content-Type", "text/html; charset=x" } }))
    assert.equal(tonumber(J), of({ { "Content-Type", "application/x-www-form-urlencoded" } }))
    assert.equal(tonumber(P), of({}))
  end)

  it("parses the values of error_default_type", function()
    for mime,
      type in pairs({ ["text/html"] = H, ["application/json"] = J, ["text/plain"] = P,
        ["application/xml"] = X }) do
      assert.equal(tonumber(type), C.page_type_parse(str(mime)))
      assert.equal(mime .. "; charset=utf-8", text(C.page_mime(type)))
    end
    for _, mime in ipairs({ "", "*/*", "text/*", "text/xml", "json" }) do
      assert.equal(-1, C.page_type_parse(str(mime)))
    end
  end)

  it("has Kong's messages and statuses", function()
    local arena = http.arena()
    for status, message in pairs({
      [400] = "Bad request", [404] = "Not found", [413] = "Payload too large",
      [414] = "URI too long",
      [494] = "Request header or cookie too large", [500] = "An unexpected error occurred",
      [502] = BAD_GATEWAY,
      [503] = "The upstream server is currently unavailable",
      [504] = "The upstream server is timing out",
      [599] = "The upstream server responded with 599",
    }) do
      assert.equal(message, text(C.page_message(arena, status)))
    end
    assert.equal(400, C.page_status(494))
    assert.equal(502, C.page_status(502))
  end)
end)
