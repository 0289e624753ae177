local rfc3339 = require("weir.text.rfc3339")

describe("weir.text.rfc3339", function()
  it("reads times as `date` does", function()
    for text, seconds in pairs({
      ["1970-01-01T00:00:00Z"] = 0,
      ["2000-02-29T12:00:00Z"] = 951825600,
      ["2026-11-23T01:39:00+01:00"] = 1795394340,
      ["2026-11-22T19:09:00.125-05:30"] = 1795394340,
      ["2016-12-31T23:59:60Z"] = 1483228799,
      ["1969-12-31t23:59:59z"] = -1,
      ["9999-12-31T23:59:59Z"] = 253402300799,
    }) do
      assert.equal(seconds, rfc3339.parse(text), text)
    end
  end)

  it("writes what it reads", function()
    for _, text in ipairs({
      "1999-12-31T23:59:59Z", "2024-02-29T00:00:00Z", "2100-03-01T06:07:08Z",
    }) do
      assert.equal(text, rfc3339.format(rfc3339.parse(text)))
    end
  end)

  it("refuses what is no time", function()
    for _, text in ipairs({
      "", "now", "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z",
      "2026-02-29T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z",
      "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z", "2026-01-01T00:00:00+1:00",
      "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00ZZ", "26-01-01T00:00:00Z",
    }) do
      assert.is_nil(rfc3339.parse(text), text)
    end
  end)
end)
