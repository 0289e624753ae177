-- Hundreds of chain shapes, each judged by a real handshake and without a connection, and compared
-- with the table's own word and with `openssl verify`, as somebody who knows nothing of weir.

local abi = require("weir.abi")
local ffi = require("ffi")
local process = require("spec.support.process")
local shapes = require("spec.fixtures.chains")
local forge = require("spec.support.forge")
local tls = require("spec.support.tls")
local workspace = require("spec.support.workspace")

local function texts(list)
  local pems = {}
  for i, certificate in ipairs(list) do
    pems[i] = certificate.pem
  end
  return pems
end

local function rest(list)
  return { select(2, unpack(list)) }
end

-- One line of shell that asks `openssl verify`; what it prints goes to `out`.
local function question(directory, number, chain, trusted, shape)
  local function file(kind, list)
    return workspace.write(("%s/%d.%s"):format(directory, number, kind), forge.bundle(list))
  end
  local ip = shape.wanted:find("^[%d.]+$") and shape.wanted or shape.wanted:match("^%[(.*)%]$")
  local untrusted = #chain > 1 and " -untrusted " .. file("untrusted", rest(chain)) or ""
  return ("openssl verify -purpose sslserver -auth_level 2 -verify_depth %d -%s '%s' -no-CApath "
    .. "-no-CAstore -CAfile %s%s %s >%s/%d.out 2>&1; echo $? >%s/%d.code"):format(
    shape.depth or 100, ip and "verify_ip" or "verify_hostname", ip or shape.wanted,
    file("trusted", trusted), untrusted, file("leaf", { chain[1] }), directory, number, directory,
    number)
end

-- What `openssl verify` says to each question, asked in two streams.
local function ask(questions)
  local directory = workspace.directory()
  local script = { {}, {} }
  for i, q in ipairs(questions) do
    table.insert(script[i % 2 + 1], question(directory, i, q.chain, q.trusted, q.shape))
  end
  local running = {}
  for i, lines in ipairs(script) do
    local path = workspace.write(("%s/ask%d.sh"):format(directory, i), table.concat(lines, "\n"))
    running[i] = workspace.start({ "sh", path })
  end
  for _, child in ipairs(running) do
    assert(child:wait(120), "openssl verify takes too long")
  end
  for i, q in ipairs(questions) do
    q.code = tonumber(process.read(("%s/%d.code"):format(directory, i)))
    q.answer = process.read(("%s/%d.out"):format(directory, i))
  end
end

local function opinions()
  local questions = {}
  for _, shape in ipairs(shapes) do
    if #shape.trusted > 0 then
      shape.opinion = { shape = shape, chain = shape.sent, trusted = shape.trusted }
      table.insert(questions, shape.opinion)
    end
    if shape.path then
      local chain = { unpack(shape.path, 1, #shape.path - 1) }
      shape.path_opinion = { shape = shape, chain = chain, trusted = { shape.path[#shape.path] } }
      table.insert(questions, shape.path_opinion)
    end
  end
  ask(questions)
end

local function weir_str(text)
  return { p = ffi.cast("const char *", text), n = #text }
end

-- The verdict of weir_tls_judge(); "unreadable" when there is nothing to judge.
local function judge(shape)
  local kept = texts(shape.sent)
  local chain = ffi.new("struct weir_str[?]", #kept)
  for i, pem in ipairs(kept) do
    chain[i - 1] = weir_str(pem)
  end
  local trust = assert(tls.trust(unpack(texts(shape.trusted))))
  local desc = ffi.new("struct weir_policy_desc", {
    verify = 1, depth = shape.depth or 100, trust = ffi.cast("struct weir_trust *", trust),
    security_level = -1, verify_name = 1,
  })
  local bare = shape.wanted:match("^%[(.*)%]$") or shape.wanted
  local is_ip = bare ~= shape.wanted or bare:find("^[%d.]+$")
  local name = ffi.new("struct weir_name", { is_ip and 2 or 1, weir_str(bare) })
  local verdict = ffi.new("struct weir_verdict")
  if abi.C.weir_tls_judge(desc, chain, #kept, name, 0, verdict) ~= 0 then
    return "unreadable"
  end
  return ffi.string(verdict.code)
end

-- The verdict of a handshake, and whether it went through; nil when no server shows such a chain.
local function shake(shape)
  local policy = assert(tls.policy({
    trust = assert(tls.trust(unpack(texts(shape.trusted)))), depth = shape.depth or 100,
    resume = false,
  }))
  local client = assert(tls.client(policy))
  local shown = tls.credential(forge.bundle(shape.sent), forge.key_pem(shape.sent[1]))
  local server = shown and tls.server({}, shown)
  if not server then
    return nil
  end
  local near = tls.handshake(client, server, shape.wanted)
  local verdict = near:verdict()
  return verdict and verdict.code, near.ready
end

describe("chains", function()
  setup(opinions)
  after_each(tls.close_all)

  for _, shape in ipairs(shapes) do
    it(("%s: %s"):format(shape.group, shape.name), function()
      local shaken, ready = shake(shape)
      local code = judge(shape)
      if shaken then
        assert.same({ code, code == "ok" }, { shaken, ready })
      end
      if shape.want then
        assert.equal(shape.want, code)
      else
        assert.not_equal("ok", code)
      end
      local opinion = shape.opinion
      if opinion and opinion.code == 0 and not shape.stricter then
        assert.equal("ok", code, "openssl verify accepts it")
      elseif opinion and opinion.code ~= 0 and not shape.path then
        assert.not_equal("ok", code, opinion.answer)
      end
      if shape.path then
        assert.equal(0, shape.path_opinion.code, shape.path_opinion.answer)
      end
    end)
  end
end)
