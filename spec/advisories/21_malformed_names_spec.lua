-- OpenSSL CVE-2024-6119, CVE-2023-0286, CVE-2022-3602, -3786: names of odd types and odd encodings
-- made their reader crash. They name nobody; the gateway stays.

local advisory = require("spec.support.advisory")
local der = require("spec.support.der")
local forge = require("spec.support.forge")
local helpers = require("spec.helpers")

local ext = forge.ext

local function other_name(oid, value)
  return der.explicit(0, der.oid(oid), der.explicit(0, value))
end

local SMTP_UTF8 = "1.3.6.1.5.5.7.8.9"
local PUNYCODE = "xn--" .. ("a"):rep(600) .. ".test"

local SANS = {
  smtp_empty = { "any", other_name(SMTP_UTF8, der.utf8("")) },
  smtp_type = { "any", other_name(SMTP_UTF8, der.integer(7)) },
  smtp_null = { "any", other_name(SMTP_UTF8, der.null()) },
  smtp_cut = { "any", der.explicit(0, der.oid(SMTP_UTF8)) },
  smtp_long = { "any", other_name(SMTP_UTF8, der.utf8("x@" .. PUNYCODE)) },
  upn_sequence = { "any", other_name("1.3.6.1.4.1.311.20.2.3", der.sequence()) },
  x400 = { "any", der.explicit(3, der.sequence()) },
  x400_text = { "any", der.implicit(3, "kong.example") },
  edi = { "any", der.explicit(5, der.explicit(1, der.utf8("kong.example"))) },
  unknown_tag = { "any", der.implicit(15, "kong.example") },
  empty_ip = { "ip", "" }, long_ip = { "ip", ("x"):rep(300) },
  punycode = { "dns", PUNYCODE }, punycode_mail = { "email", "a@" .. PUNYCODE },
  punycode_bad = { "dns", "xn--99999999999.example" },
  bad_utf8 = { "dns", "\255\254\128" }, empty = { "dns", "" },
  cut_dir = { "any", der.element(0xa4, "\48\5\1") },
}

-- No server shows these as its own; the certificate of its CA has them.
local UNSHOWN = { smtp_cut = true, x400_text = true, unknown_tag = true, cut_dir = true }

local function under_ca(kind, name, extension)
  local ca = forge.certificate({ subject = kind .. name, ca = true, issuer = advisory.root(),
    more = { extension } })
  local leaf = forge.certificate({ subject = "x", issuer = ca, extensions = {
    ext.san("dns", "kong.example", "email", "a@" .. PUNYCODE) } })
  return { tls = forge.identity({ leaf, ca }) }
end

describe("advisory 21, a malformed name:", function()
  local world, pid

  setup(function()
    local listeners = { good = { tls = advisory.leaf() } }
    for name, san in pairs(SANS) do
      local names = ext.san(unpack(san))
      listeners[name] = UNSHOWN[name] and under_ca("names ", name, names)
        or { tls = advisory.leaf({ extensions = { names } }) }
      listeners["permitted_" .. name] = under_ca("permitted ", name,
        ext.constraints({ permitted = san }))
      listeners["excluded_" .. name] = under_ca("excluded ", name,
        ext.constraints({ excluded = san }))
    end
    world = advisory.world({ listeners = listeners })
    pid = world.gateway:worker_pid()
  end)
  teardown(helpers.stop_all)

  for name in pairs(SANS) do
    it("harms nobody, in names and in constraints: " .. name, function()
      world:refuses(name)
      for _, kind in ipairs({ "permitted_", "excluded_" }) do
        local response = world:ask(kind .. name)
        assert.is_true(response.status == 200 or response.status == 502)
      end
      assert.equal(pid, world.gateway:worker_pid())
      world:accepts("good")
    end)
  end
end)
