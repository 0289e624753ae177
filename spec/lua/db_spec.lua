require("spec.support.fake_core").install()
local abi = require("weir.abi")
local ffi = require("ffi")
local current = require("weir.pdk.current")
local null = require("cjson").null
local declarative = require("weir.declarative")
local packed = require("weir.db.packed")
local Packer = require("weir.db.packer")
local loader = require("weir.loader")
local workspace = require("weir.entities.workspace")

local ALICE = "11111111-1111-4111-8111-111111111111"
local BOB = "22222222-2222-4222-8222-222222222222"
local NOBODY = "99999999-9999-4999-8999-999999999999"

local PLUGINS = { "keyring" }

local function now()
  return math.floor(tonumber(abi.C.weir_time_ms()) / 1000)
end

-- Consumers and entities of plugins are read in two ways: from tables, as all others are, and from
-- what the snapshot has.
for _, way in ipairs({ "from tables", "packed" }) do
describe("kong.db, " .. way .. ",", function()
  local db, generation
  local texts = {} -- held as long as they are read from

  local function pack(config)
    local pieces = {}
    local target = {
      entities = function(_, pointer, size) table.insert(pieces, ffi.string(pointer, size)) end,
    }
    local packer = Packer.new(target)
    for _, definition in ipairs(config.model:packed()) do
      for _, entity in ipairs(config[definition.name]) do
        packer:add(definition, entity)
      end
    end
    local directory = packer:finish(config.model:packed())
    local text = table.concat(pieces)
    texts[#texts + 1] = text
    for kind in pairs(directory) do
      generation.entities[kind] = nil
    end
    generation.reader = packed.open(ffi.cast("const char *", text), directory)
  end

  local function use(text)
    local config, findings = declarative.load('_format_version: "3.0"\n' .. text,
      { plugins = PLUGINS, now = 1000 })
    assert.same({}, findings.errors)
    generation = {
      entities = config.by_id, settings = { plugins = PLUGINS }, loaded_at = now(),
    }
    if way == "packed" then
      pack(config)
    end
    current.generation = generation
  end

  setup(function()
    loader.set_path("spec/fixtures/plugins", "")
    package.loaded["weir.db.daos"] = nil
    db = require("weir.db")
    use(([[
consumers:
- {id: %s, username: alice, tags: [x]}
- id: %s
  username: bob
  custom_id: "7"
  keyring_keys: [{key: b1}, {key: b2, ttl: 100}]
  keyring_groups: [{group: g}]
  keyring_marks: [{mark: m1}, {mark: m2}]
keyring_keys:
- {key: gone, consumer: alice, ttl: 10, created_at: 1}
services:
- {name: s, host: h}
]]):format(ALICE, BOB))
  end)
  teardown(function()
    current.generation = nil
    loader.set_path("", "")
  end)

  local function names(iterator)
    local list = {}
    for row in iterator do
      list[#list + 1] = row.username or row.key or row.group
    end
    table.sort(list)
    return list
  end

  -- The text and the table of a failure.
  local function failure(...)
    local value, text, err = ...
    assert.is_nil(value)
    assert.equal(text, tostring(err))
    assert.equal(text, "" .. err)
    assert.equal("off", err.strategy)
    return text, err
  end

  it("has the types of the gateway and of plugins, and no others", function()
    assert.is_table(db.services)
    assert.is_table(db.keyring_keys)
    assert.is_nil(db.nothing)
    assert.equal("off", db.strategy)
    assert.equal("consumers", db.consumers.schema.name)
  end)

  it("reads by id", function()
    assert.same({
      id = ALICE, username = "alice", tags = { "x" },
      created_at = generation.loaded_at, updated_at = generation.loaded_at,
    }, db.consumers:select({ id = ALICE }))
    assert.equal("alice", db.consumers:select({ id = ALICE:upper() }).username)
    assert.same({}, { db.consumers:select({ id = NOBODY }) })
  end)

  it("reads by unique fields", function()
    assert.equal(BOB, db.consumers:select_by_username("bob").id)
    assert.equal(BOB, db.consumers:select_by_custom_id("7").id)
    assert.same({ id = BOB }, db.keyring_keys:select_by_key("b1").consumer)
    assert.same({}, { db.keyring_keys:select_by_key("b3") })
    assert.is_nil(db.keyring_groups.select_by_group)
    local service = db.services:select_by_name("s")
    assert.equal("h", service.host)
  end)

  it("gives each reader a copy", function()
    db.consumers:select({ id = ALICE }).tags[1] = "y"
    assert.same({ "x" }, db.consumers:select({ id = ALICE }).tags)
  end)

  it("shows unset fields as null to those who ask", function()
    assert.equal(null, db.consumers:select({ id = ALICE }, { nulls = true }).custom_id)
    assert.is_nil(db.consumers:select({ id = ALICE }, {}).custom_id)
  end)

  it("knows how long an entity lasts, and forgets it then", function()
    local ttl = db.keyring_keys:select_by_key("b2").ttl
    assert.is_true(ttl > 90 and ttl <= 100)
    assert.is_nil(db.keyring_keys:select_by_key("gone"))
    assert.same({ "b1", "b2" }, names(db.keyring_keys:each()))
  end)

  it("iterates, over all or over those that refer to another", function()
    assert.same({ "alice", "bob" }, names(db.consumers:each()))
    assert.same({ "alice", "bob" }, names(db.consumers:each(1)))
    assert.same({ "b1", "b2" }, names(db.keyring_keys:each_for_consumer({ id = BOB })))
    assert.same({}, names(db.keyring_groups:each_for_consumer({ id = ALICE })))
    local pages = {}
    for _, err, page in db.consumers:each(1) do
      assert.is_nil(err)
      pages[#pages + 1] = page
    end
    assert.same({ 1, 2 }, pages)
  end)

  it("reads pages", function()
    local first, _, _, offset = db.consumers:page(1)
    assert.same({ "alice" }, { first[1].username, first[2] })
    local second, _, _, last = db.consumers:page(1, offset)
    assert.same({ "bob" }, { second[1].username, second[2] })
    assert.is_nil(last)
    assert.equal(2, #db.consumers:page())
    assert.equal(1, #db.keyring_groups:page_for_consumer({ id = BOB }, 10))
    assert.same({}, (db.keyring_groups:page_for_consumer({ id = NOBODY })))
  end)

  it("leaves out what lacks the tags that are asked for", function()
    local function with(tags, condition)
      return names(db.consumers:each(nil, { tags = tags, tags_cond = condition }))
    end
    assert.same({ "alice" }, with({ "x" }))
    assert.same({}, with({ "x", "y" }))
    assert.same({ "alice" }, with({ "x", "y" }, "or"))
    assert.same({}, with({ "z" }, "or"))
    local page = db.consumers:page(10, nil, { tags = { "x" } })
    assert.same({ "alice" }, { page[1].username, page[2] })
  end)

  it("has functions of the plugin's own, over those that they take the place of", function()
    local list = db.keyring_marks:of_consumer({ id = BOB })
    table.sort(list)
    assert.same({ "m1", "m2" }, list)
    assert.equal("own:keyring_marks:x:::::", db.keyring_marks:cache_key("x"))
    assert.equal("bob", db.keyring_marks:select_by_mark("m2").owner)
    assert.is_nil(db.keyring_marks:select_by_mark("m3"))
    assert.is_nil(db.keyring_keys.of_consumer)
  end)

  it("makes cache keys as Kong does, and reads by them", function()
    local ws = workspace.id
    assert.equal("keyring_keys:b1:::::" .. ws, db.keyring_keys:cache_key("b1"))
    assert.equal("keyring_keys:b1:::::" .. ws, db.keyring_keys:cache_key({ key = "b1" }))
    assert.equal("consumers:" .. ALICE .. ":::::" .. ws, db.consumers:cache_key(ALICE))
    assert.equal("consumers:" .. ALICE .. ":::::" .. ws, db.consumers:cache_key({ id = ALICE }))
    assert.equal("keyring_groups:a:b:c:d:e:w",
      db.keyring_groups:cache_key("a", "b", "c", "d", "e", "w"))
    assert.equal("keyring_groups:" .. BOB .. ":g::::" .. ws,
      db.keyring_groups:cache_key({ consumer = { id = BOB }, group = "g" }))
    assert.equal("ca_certificates:x:::::", db.ca_certificates:cache_key("x"))
    assert.equal("plugins:n:r::::" .. ws,
      db.plugins:cache_key({ name = "n", route = { id = "r" }, service = null }))
    local key = db.keyring_keys:cache_key("b1")
    assert.equal("b1", db.keyring_keys:select_by_cache_key(key).key)
    assert.is_nil(db.keyring_keys:select_by_cache_key("other"))
  end)

  describe("refuses, with nil, a text and a table,", function()
    it("keys that are none", function()
      local text, err = failure(db.consumers:select({ id = "x" }))
      assert.equal("[off] invalid primary key: '{id=\"expected a valid UUID\"}'", text)
      assert.equal(1, err.code)
      assert.equal("invalid primary key", err.name)
      assert.same({ id = "expected a valid UUID" }, err.fields)
      assert.equal("[off] invalid primary key: '{id=\"missing primary key\"}'",
        (failure(db.consumers:select({}))))
      text, err = failure(db.keyring_keys:page_for_consumer({ id = 5 }))
      assert.equal("[off] invalid foreign key: '{id=\"expected a string\"}'", text)
      assert.equal(16, err.code)
    end)

    it("values that no field can have", function()
      local text, err = failure(db.consumers:select_by_username(""))
      assert.equal("[off] length must be at least 1", text)
      assert.equal(10, err.code)
      assert.equal("invalid unique username", err.name)
    end)

    it("pages that there are not", function()
      local text, err = failure(db.consumers:page(0))
      assert.equal("[off] size must be an integer between 1 and 1000", text)
      assert.equal(9, err.code)
      text, err = failure(db.consumers:page(1, "x"))
      assert.equal("[off] 'x' is not a valid offset: no such entity", text)
      assert.equal(7, err.code)
      local row, message = db.consumers:each(1001)()
      assert.is_false(row)
      assert.equal("[off] size must be an integer between 1 and 1000", message)
      row, message = db.keyring_keys:each_for_consumer({ id = "x" })()
      assert.is_false(row)
      assert.matches("invalid foreign key", message)
    end)

    it("options that it cannot follow", function()
      local text, err = failure(db.consumers:page(1, nil, { tags = "x" }))
      assert.equal("[off] invalid option (tags: expected a set)", text)
      assert.equal(11, err.code)
      assert.same({ tags = "expected a set" }, err.options)
      local row, message = db.consumers:each(1, { tags = {}, tags_cond = "nor" })()
      assert.is_false(row)
      assert.equal("[off] invalid option (tags_cond: expected one of: and, or)", message)
    end)

    it("to write", function()
      for method, verb in pairs({
        insert = "create", update = "update", upsert = "create or update", delete = "remove",
        update_by_username = "update", delete_by_username = "remove",
      }) do
        local text, err = failure(db.consumers[method](db.consumers, {}, {}))
        assert.equal(("[off] cannot %s 'consumers' entities when not using a database")
          :format(verb), text)
        assert.equal(12, err.code)
        assert.equal("operation unsupported", err.name)
      end
    end)
  end)

  it("raises errors for arguments of wrong types", function()
    assert.has_error(function() db.consumers:select("x") end, "primary_key must be a table")
    assert.has_error(function() db.consumers:select_by_username(5) end,
      "username must be a string")
    assert.has_error(function() db.consumers:page("x") end, "size must be a number")
    assert.has_error(function() db.consumers:page(1, 5) end, "offset must be a string")
    assert.has_error(function() db.keyring_keys:each_for_consumer("x") end,
      "foreign_key must be a table")
    assert.has_error(function() db.keyring_keys:select_by_cache_key(5) end,
      "cache_key must be a string")
    assert.has_error(function() db.consumers:select_by_cache_key("x") end,
      "entity does not have a cache_key defined: consumers")
  end)

  it("shows the configuration that the request began with", function()
    local before = generation
    use("consumers: [{username: carol}]\n")
    assert.is_nil(db.consumers:select_by_username("alice"))
    assert.is_table(db.consumers:select_by_username("carol"))
    current.generation = before
    assert.is_table(db.consumers:select_by_username("alice"))
    assert.is_nil(db.consumers:select_by_username("carol"))
  end)

  it("shows the newest configuration to what outlives its own", function()
    use("consumers: [{username: dora}]\n")
    local before, row = generation, db.consumers:each()
    use("consumers: [{username: carol}]\n")
    before.retired, current.generation, current.newest = true, before, generation
    if before.reader then
      before.reader:close()
      assert.has_error(row, "the configuration that this was read from is gone")
    end
    assert.is_table(db.consumers:select_by_username("carol"))
    current.newest = nil
  end)
end)
end
