require("spec.support.fake_core").install()
local uuid = require("weir.text.uuid")

describe("weir.text.uuid", function()
  it("derives the ids that Kong derives", function()
    assert.equal("90050c4f-539a-5bd9-bfb5-2ff1c430ca18", uuid.namespace("services"))
    assert.equal("78aafefa-16c7-5598-8955-58dc6264b27a", uuid.namespace("routes"))
    assert.equal("fe1e2edc-5479-52fe-b0f4-b90d8d5f83ba",
      uuid.of_entity("services", "foo-namespace.foo-svc.80"))
    assert.equal("45f1e9e4-8096-5cf7-b8e0-c42f8b9b81a0",
      uuid.of_entity("routes", "foo-namespace.regex-prefix.foo-svc.example.com.80"))
  end)

  it("derives the ids that RFC 9562 derives", function()
    assert.equal("2ed6657d-e927-568b-95e1-2665a8aea6a2",
      uuid.v5("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com"))
  end)

  it("makes random ones, each another", function()
    local seen = {}
    for _ = 1, 100 do
      local id = uuid.v4()
      assert.is_true(uuid.is_valid(id))
      assert.matches("^%x+%-%x+%-4%x%x%x%-[89ab]%x%x%x%-%x+$", id)
      assert.is_nil(seen[id])
      seen[id] = true
    end
  end)

  it("knows them when it sees them", function()
    assert.is_true(uuid.is_valid("BF6E0F14-78cd-45ad-9325-87ec7ef7b891"))
    for _, s in ipairs({
      "", "x", "bf6e0f1478cd45ad932587ec7ef7b891", "bf6e0f14-78cd-45ad-9325-87ec7ef7b89",
      "bf6e0f14-78cd-45ad-9325-87ec7ef7b89g", " f6e0f14-78cd-45ad-9325-87ec7ef7b8911",
    }) do
      assert.is_false(uuid.is_valid(s))
    end
    assert.is_false(uuid.is_valid(7))
  end)
end)
