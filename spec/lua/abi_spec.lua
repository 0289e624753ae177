local ffi = require("ffi")

describe("weir.abi", function()
  local loaded = package.loaded["weir.abi"]

  local function load_anew()
    package.loaded["weir.abi"] = nil
    return require("weir.abi")
  end

  after_each(function()
    package.loaded["weir.abi"] = loaded
  end)

  it("declares what the core was compiled with", function()
    local C = load_anew().C
    assert.equal(C.WEIR_ABI, C.weir_abi())
    assert.equal(16, ffi.sizeof("struct weir_str"))
    assert.equal(4, C.WEIR_PHASE_LOG)
  end)

  it("can be loaded again in the same state", function()
    load_anew()
    assert.has_no.errors(load_anew)
  end)

  it("names the phases by the core's numbers", function()
    local abi = load_anew()
    assert.equal("rewrite", abi.phases[abi.C.WEIR_PHASE_REWRITE])
    assert.equal("access", abi.phases[abi.C.WEIR_PHASE_ACCESS])
    assert.equal("header_filter", abi.phases[abi.C.WEIR_PHASE_HEADER_FILTER])
    assert.equal("body_filter", abi.phases[abi.C.WEIR_PHASE_BODY_FILTER])
    assert.equal("log", abi.phases[abi.C.WEIR_PHASE_LOG])
    assert.equal("upstream_verify", abi.phases[abi.C.WEIR_PHASE_UPSTREAM_VERIFY])
    assert.equal("balancer", abi.phases[abi.C.WEIR_PHASE_BALANCER])
    assert.equal("response", abi.phases[abi.C.WEIR_PHASE_RESPONSE])
    assert.equal("certificate", abi.phases[abi.C.WEIR_PHASE_CERTIFICATE])
  end)

  it("has a function in the core for every declaration", function()
    local C = load_anew().C
    local text = ffi.string(C.weir_abi_text()):match("cdef begin\n(.*)// %-%-%-%- cdef end")
    local count = 0
    for name in text:gsub("//[^\n]*", ""):gmatch("[%s*](weir_[%w_]+)%(") do
      assert.has_no.errors(function() return C[name] end)
      count = count + 1
    end
    assert.is_true(count > 60, ("only %d functions found"):format(count))
  end)

  describe("functions", function()
    local C, out

    before_each(function()
      C = load_anew().C
      out = ffi.new("struct weir_str")
    end)

    it("of the current request refuse outside of one", function()
      assert.equal(-1, C.weir_request_str(C.WEIR_REQUEST_METHOD, out))
      assert.equal(-1, tonumber(C.weir_request_number(C.WEIR_REQUEST_PLAN)))
      assert.equal(-1, C.weir_header_get(C.WEIR_HEADERS_REQUEST, "host", 4, out))
      assert.equal(-1, C.weir_header_set(C.WEIR_HEADERS_RESPONSE, "a", 1, "b", 1))
      assert.equal(-1, C.weir_service_set_verify(1))
      assert.equal(-1, C.weir_service_set_policy(nil))
      assert.equal(-1, C.weir_response_exit(200, nil, 0, 0))
      assert.equal(-1, C.weir_request_body(out))
      assert.equal(-1, C.weir_chunk_set("x", 1))
    end)

    it("digest", function()
      local hash = ffi.new("char[32]")
      assert.equal(0, C.weir_sha1("abc", 3, hash))
      assert.equal("a9993e36", (ffi.string(hash, 4):gsub(".", function(c)
        return ("%02x"):format(c:byte())
      end)))
      assert.equal(0, C.weir_sha256("abc", 3, hash))
      assert.equal("ba7816bf", (ffi.string(hash, 4):gsub(".", function(c)
        return ("%02x"):format(c:byte())
      end)))
    end)

    it("say what is wrong with a regular expression, a certificate, a key pair", function()
      local why = ffi.new("char[256]")
      assert.equal(0, C.weir_regex_check("^/a+", 4, why, 256))
      assert.is_true(C.weir_regex_check("/(", 2, why, 256) < 0)
      assert.is_true(#ffi.string(why) > 0)
      assert.is_true(C.weir_x509_info("nonsense", 8, nil, 0, why, 256) < 0)
      assert.is_true(#ffi.string(why) > 0)
      assert.is_true(C.weir_keypair_check("a", 1, "b", 1, why, 256) < 0)
      assert.is_true(#ffi.string(why) > 0)
    end)

    it("write a host's name in ASCII", function()
      local name, why = ffi.new("char[256]"), ffi.new("char[256]")
      assert.equal(0, C.weir_host_ascii("b\195\188cher.example", 15, name, why, 256))
      assert.equal("xn--bcher-kva.example", ffi.string(name))
      assert.is_true(C.weir_host_ascii("\255", 1, name, why, 256) < 0)
      assert.is_true(#ffi.string(why) > 0)
    end)

    it("name the versions", function()
      local text = ffi.new("char[512]")
      assert.equal(0, C.weir_version(text, 512))
      local versions = ffi.string(text)
      local names = {
        "weir", "LuaJIT", "OpenSSL", "libuv", "llhttp", "c%-ares", "PCRE2", "libyaml",
        "libidn2", "zlib",
      }
      for _, name in ipairs(names) do
        assert.matches(name .. " %d+%.%d+[^\n]*\n", versions)
      end
      assert.equal(-3, C.weir_version(text, 8))
    end)

    it("give random bytes and the time", function()
      local a, b = ffi.new("char[16]"), ffi.new("char[16]")
      assert.equal(0, C.weir_random(a, 16))
      assert.equal(0, C.weir_random(b, 16))
      assert.are_not.equal(ffi.string(a, 16), ffi.string(b, 16))
      assert.is_true(math.abs(tonumber(C.weir_time_ms()) / 1000 - os.time()) < 5)
    end)

    it("intern trust bundles: the one of nobody is always the same", function()
      local a, b = C.weir_trust_new(nil, 0), C.weir_trust_new(nil, 0)
      assert.is_true(a ~= nil)
      assert.equal(a, b)
      assert.equal(16, #ffi.string(C.weir_trust_id(a)))
      C.weir_trust_free(a)
      C.weir_trust_free(b)
    end)

    it("make policies of valid descriptions only", function()
      local trust = C.weir_trust_new(nil, 0)
      local desc = ffi.new("struct weir_policy_desc", { verify = 1, depth = 1, trust = trust })
      local policy = C.weir_policy_new(desc)
      assert.is_true(policy ~= nil)
      C.weir_policy_free(policy)
      for field, value in pairs({ verify = 0, depth = 101, min_version = 0x0301 }) do
        local bad = ffi.new("struct weir_policy_desc", { verify = 1, depth = 1, trust = trust })
        bad[field] = value
        assert.is_true(C.weir_policy_new(bad) == nil, field)
        assert.is_true(#ffi.string(C.weir_error()) > 0)
      end
      C.weir_trust_free(trust)
    end)
  end)

  describe("the builder", function()
    local C

    before_each(function()
      C = load_anew().C
    end)

    local function refused(result)
      assert.equal(-3, tonumber(result))
      return ffi.string(C.weir_error())
    end

    it("wants the settings before the plans", function()
      local b = C.weir_build_new()
      assert.matches("settings", refused(C.weir_build_plan(b, ffi.new("struct weir_plan_desc"))))
      C.weir_build_free(b)
    end)

    it("gives dense indices, and refuses what there is not", function()
      local b = C.weir_build_new()
      assert.equal(0, C.weir_build_settings(b, ffi.new("struct weir_settings")))
      assert.equal(0, C.weir_build_upstream(b, "a", 1, nil, 0))
      assert.equal(1, C.weir_build_upstream(b, "b", 1, "h", 1))
      assert.equal(0, C.weir_build_target(b, 1, "127.0.0.1", 9, 80, 100))
      assert.matches("no upstream 2", refused(C.weir_build_target(b, 2, "x", 1, 80, 100)))
      local plan = ffi.new("struct weir_plan_desc", { upstream = -1 })
      assert.equal(0, C.weir_build_plan(b, plan))
      plan.phases = 32768
      refused(C.weir_build_plan(b, plan))
      local route = ffi.new("struct weir_route_desc", { plan = 7 })
      assert.matches("no plan 7", refused(C.weir_build_route(b, route)))
      refused(C.weir_build_certificate(b, "*", 1, nil))
      refused(C.weir_build_hash(b, ("a"):rep(65), 65))
      C.weir_build_free(b)
    end)

    it("takes a target's policy or error for a host, and refuses what is none", function()
      local b = C.weir_build_new()
      assert.equal(0, C.weir_build_settings(b, ffi.new("struct weir_settings")))
      local trust = C.weir_trust_new(nil, 0)
      local policy = C.weir_policy_new(
        ffi.new("struct weir_policy_desc", { verify = 1, depth = 1, trust = trust }))
      local targets = ffi.new("struct weir_target_policy[2]")
      local plan = ffi.new("struct weir_plan_desc",
        { upstream = -1, tls = 1, policy = policy, targets = targets, target_count = 2 })
      local first, second = "a.example", "b.example"
      targets[0].host.p, targets[0].host.n, targets[0].policy = first, #first, policy
      targets[1].host.p, targets[1].host.n = second, #second
      targets[1].error.p, targets[1].error.n = first, #first
      assert.equal(0, C.weir_build_plan(b, plan))
      for _, name in ipairs({ "", "a b", "10.0.0.0/8", "a..b" }) do
        targets[1].host.p, targets[1].host.n = name, #name
        assert.matches("not a host", refused(C.weir_build_plan(b, plan)))
      end
      C.weir_build_free(b)
      C.weir_policy_free(policy)
      C.weir_trust_free(trust)
    end)

    it("refuses trusted addresses that are none", function()
      local b = C.weir_build_new()
      local ips = ffi.new("struct weir_str[1]")
      ips[0].p, ips[0].n = "10.0.0.0/33", 11
      local settings = ffi.new("struct weir_settings", { trusted_ips = ips, trusted_ip_count = 1 })
      assert.matches("trusted_ips: .*10%.0%.0%.0/33", refused(C.weir_build_settings(b, settings)))
      C.weir_build_free(b)
    end)

    it("does not publish where nobody listens", function()
      local b = C.weir_build_new()
      assert.equal(0, C.weir_build_settings(b, ffi.new("struct weir_settings")))
      assert.matches("nobody", refused(C.weir_build_publish(b)))
    end)
  end)
end)
