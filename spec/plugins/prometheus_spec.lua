-- prometheus: what requests are counted in, how that is written, and what happens without room.

local fake = require("spec.support.fake_abi").install()
local pdk = require("weir.pdk")
local current = require("weir.pdk.current")
local plugin = require("spec.support.plugin")
local prometheus = require("spec.support.prometheus")
local counted = require("kong.plugins.prometheus.counted")
local exposition = require("kong.plugins.prometheus.exposition")
local requests = require("kong.plugins.prometheus.requests")
local schema = require("kong.plugins.prometheus.schema")
local store = require("kong.plugins.prometheus.store")

local ALL = { status_code_metrics = true, latency_metrics = true, bandwidth_metrics = true }

describe("prometheus", function()
  local dict, serialize, entry

  setup(function()
    fake.install()
    pdk.install({})
    dict = ngx.shared.prometheus_metrics
    serialize = kong.log.serialize
    kong.log.serialize = function()
      return entry
    end
  end)
  teardown(function()
    kong.log.serialize = serialize
  end)
  before_each(function()
    fake.install()
    dict:flush_all()
    dict:flush_expired()
    current.slot, current.plugin = 1, { name = "prometheus" }
    fake.request = fake.new_request({ phase = "log", numbers = { RESPONSE_SOURCE = 1 } })
    entry = {
      service = { name = "s" }, route = { name = "r" }, workspace_name = "default",
      request = { size = 100 }, response = { size = 1000, status = 200 },
      latencies = { request = 30, kong = 5, proxy = 25 },
    }
  end)
  after_each(function()
    current.release(1)
    current.slot, current.plugin = 0, nil
  end)

  local function count(config)
    requests.count(assert(plugin.configure(schema, config)))
  end

  local function metrics()
    local out = {}
    counted.write(out)
    return prometheus.parse(table.concat(out))
  end

  describe("counts", function()
    it("nothing unless it is told to", function()
      count({})
      assert.same({}, metrics())
    end)

    it("statuses", function()
      count({ status_code_metrics = true })
      count({ status_code_metrics = true })
      local all = metrics()
      local sample = all.kong_http_requests_total.samples[1]
      assert.equal(2, sample.value)
      assert.same({ "service", "route", "code", "source", "workspace", "consumer" }, sample.order)
      assert.same({ service = "s", route = "r", code = "200", source = "service",
        workspace = "default", consumer = "" }, sample.labels)
      assert.equal("counter", all.kong_http_requests_total.type)
      assert.is_nil(all.kong_bandwidth_bytes)
    end)

    it("what weir answered itself as such", function()
      fake.request = fake.new_request({ phase = "log", numbers = { RESPONSE_SOURCE = 2 } })
      entry.response.status = 503
      count({ status_code_metrics = true })
      assert.equal(1, prometheus.value(metrics(), "kong_http_requests_total",
        { code = "503", source = "kong" }))
    end)

    it("services and routes without a name by host and id, and requests without a route", function()
      entry.service, entry.route = { host = "h" }, { id = "i" }
      count({ status_code_metrics = true })
      entry.service, entry.route = nil, nil
      count({ status_code_metrics = true })
      local all = metrics()
      local name = "kong_http_requests_total"
      assert.equal(1, prometheus.value(all, name, { service = "h", route = "i" }))
      assert.equal(1, prometheus.value(all, name, { service = "", route = "" }))
    end)

    it("consumers where it is told to", function()
      entry.consumer = { id = "i", username = "kim" }
      count({ status_code_metrics = true, bandwidth_metrics = true })
      count({ status_code_metrics = true, bandwidth_metrics = true, per_consumer = true })
      local all = metrics()
      for _, consumer in ipairs({ "", "kim" }) do
        assert.equal(1, prometheus.value(all, "kong_http_requests_total", { consumer = consumer }))
        assert.equal(1000, prometheus.value(all, "kong_bandwidth_bytes",
          { consumer = consumer, direction = "egress" }))
      end
      assert.equal(100, prometheus.value(all, "kong_bandwidth_bytes",
        { consumer = "kim", direction = "ingress" }))
    end)

    it("latencies", function()
      for _, ms in ipairs({ 0, 1, 2, 1000, 1001 }) do
        entry.latencies.kong = ms
        count({ latency_metrics = true })
      end
      local all = metrics()
      for bound, expected in pairs({ ["1"] = 2, ["2"] = 3, ["750"] = 3, ["1000"] = 4,
        ["+Inf"] = 5 }) do
        assert.equal(expected, prometheus.value(all, "kong_kong_latency_ms_bucket",
          { service = "s", route = "r", workspace = "default", le = bound }), bound)
      end
      assert.equal(2004, prometheus.value(all, "kong_kong_latency_ms_sum"))
      assert.equal(5 * 25, prometheus.value(all, "kong_upstream_latency_ms_sum"))
      assert.equal(5, prometheus.value(all, "kong_upstream_latency_ms_bucket", { le = "25" }))
      assert.equal(0, prometheus.value(all, "kong_request_latency_ms_bucket", { le = "25" }))
      assert.equal(5, prometheus.value(all, "kong_request_latency_ms_bucket", { le = "50" }))
    end)

    it("no upstream's latency where none answered", function()
      entry.latencies.proxy = -1
      count({ latency_metrics = true })
      local all = metrics()
      assert.is_nil(all.kong_upstream_latency_ms)
      assert.equal(1, prometheus.value(all, "kong_kong_latency_ms_count"))
    end)
  end)

  it("counts on where there are more sets of labels than it remembers", function()
    for i = 1, 10010 do
      entry.service.name = "s" .. i % 10005
      count({ status_code_metrics = true })
    end
    local all = metrics()
    assert.equal(10005, #all.kong_http_requests_total.samples)
    for i, expected in pairs({ [0] = 1, [1] = 2, [5] = 2, [6] = 1, [10004] = 1 }) do
      assert.equal(expected, prometheus.value(all, "kong_http_requests_total",
        { service = "s" .. i }))
    end
  end)

  it("writes labels of any content", function()
    entry.service.name = 'a "quoted" \\ name,\nwith le="1"} 5'
    count(ALL)
    local all = metrics()
    local labels = { service = entry.service.name }
    assert.equal(1, prometheus.value(all, "kong_http_requests_total", labels))
    assert.equal(1, prometheus.value(all, "kong_request_latency_ms_count", labels))
  end)

  it("writes numbers so that none is another", function()
    for text, value in pairs({
      ["0"] = 0, ["-1"] = -1, ["9007199254740991"] = 2 ^ 53 - 1, ["0.10000000000000001"] = 0.1,
      ["+Inf"] = math.huge, ["-Inf"] = -math.huge, ["NaN"] = 0 / 0,
    }) do
      assert.equal("a " .. text .. "\n", exposition.sample("a", "", value))
    end
  end)

  describe("without room in the dictionary", function()
    local function fill(size)
      local refused, i = 0, 0
      while refused < 200 do
        i = i + 1
        local ok = dict:safe_set(("%d-%d"):format(size, i), ("x"):rep(size))
        refused = ok and 0 or refused + 1
      end
    end

    it("goes on with what is there, and says what is lost", function()
      store.add("there\1\1", 1)
      store.flush()
      dict:set("lost", 0)
      fill(8000)
      fill(1)
      store.add("there\1\1", 2)
      for i = 1, 50 do
        store.add(("new%d"):format(i) .. ("x"):rep(100), 1)
      end
      store.flush()
      assert.equal(3, dict:get("there\1\1"))
      assert.equal(50, store.lost())
      assert.matches("%[prometheus%] a metric is not counted: no memory", fake.log[1].text)
    end)
  end)
end)

describe("the parser of the specs refuses", function()
  local HEAD = "# HELP a text\n# TYPE a counter\n"
  local HISTOGRAM = "# HELP a text\n# TYPE a histogram\n"
  local cases = {
    ["a line that does not end"] = HEAD .. "a 1",
    ["a sample without type"] = "a 1\n",
    ["a type before its help"] = "# TYPE a counter\na 1\n",
    ["a metric that comes twice"] = HEAD .. "a 1\n" .. HEAD,
    ["a sample that comes twice"] = HEAD .. 'a{b="1",c="2"} 1\na{c="2",b="1"} 1\n',
    ["another metric's sample"] = HEAD .. "b 1\n",
    ["a label that comes twice"] = HEAD .. 'a{b="1",b="2"} 1\n',
    ["an escape that there is not"] = HEAD .. 'a{b="\\t"} 1\n',
    ["a quote in a label"] = HEAD .. 'a{b="""} 1\n',
    ["an empty line"] = HEAD .. "\na 1\n",
    ["a hexadecimal number"] = HEAD .. "a 0x10\n",
    ["two spaces"] = HEAD .. "a  1\n",
    ["a histogram without its last bucket"] =
      HISTOGRAM .. 'a_bucket{le="1"} 1\na_sum 1\na_count 1\n',
    ["a histogram that shrinks"] =
      HISTOGRAM .. 'a_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
    ["a histogram with another count"] = HISTOGRAM .. 'a_bucket{le="+Inf"} 1\na_sum 1\na_count 2\n',
  }
  for name, text in pairs(cases) do
    it(name, function()
      assert.has_error(function()
        prometheus.parse(text)
      end)
    end)
  end

  it("nothing that is right", function()
    local all = prometheus.parse(HEAD .. 'a{b="\\"}\\\\"} 1\n' .. HISTOGRAM:gsub(" a ", " h ")
      .. 'h_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 1.5\nh_count 2\n')
    assert.equal('"}\\', all.a.samples[1].labels.b)
    assert.equal(2, prometheus.value(all, "h_count"))
  end)
end)
