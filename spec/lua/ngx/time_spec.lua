require("spec.support.fake_abi").install() -- 1700000000.123
local time = require("weir.ngx.time")

describe("ngx's time", function()
  it("is of now", function()
    assert.equal(1700000000, time.time())
    assert.equal(1700000000.123, time.now())
    time.update_time()
    assert.equal("2023-11-14 22:13:20", time.utctime())
    assert.equal(os.date("%Y-%m-%d %H:%M:%S", 1700000000), time.localtime())
    assert.equal(os.date("%Y-%m-%d", 1700000000), time.today())
  end)

  it("is written as HTTP and cookies have it", function()
    assert.equal("Thu, 18 Nov 2010 11:27:35 GMT", time.http_time(1290079655))
    assert.equal("Thu, 18-Nov-10 11:27:35 GMT", time.cookie_time(1290079655))
    assert.equal("Thu, 01-Jan-70 00:00:00 GMT", time.cookie_time(0))
    assert.equal("Mon, 18-Jan-2038 00:00:00 GMT", time.cookie_time(2147385600))
  end)

  it("is read in all of HTTP's forms", function()
    for _, text in ipairs({
      "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
    }) do
      assert.equal(784111777, time.parse_http_time(text), text)
    end
    assert.equal(1290079655, time.parse_http_time(time.http_time(1290079655)))
    assert.equal(951827696, time.parse_http_time("Tue, 29 Feb 2000 12:34:56 GMT"))
    assert.equal(3155760000 - 1, time.parse_http_time("Fri, 31-Dec-69 23:59:59 GMT"))
  end)

  it("is not what it is not", function()
    for _, text in ipairs({
      "", "Thu, 18 Foo 2010 11:27:35 GMT", "Thu, 32 Nov 2010 11:27:35 GMT", "2010-11-18",
      "Mon, 29 Feb 2001 00:00:00 GMT", "Thu, 18 Nov 2010 24:00:00 GMT",
    }) do
      assert.is_nil(time.parse_http_time(text), text)
    end
  end)
end)
