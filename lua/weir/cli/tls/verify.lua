-- `weir tls verify`: judges chains from standard input, one JSON object a line.
local lines = require("weir.cli.tls.lines")
local options = require("weir.cli.options")

local verify = { summary = "judge certificate chains from standard input" }

local EPILOG = [[
Each line of standard input is one JSON object:

   id                      a text or a number of up to 14 digits; comes back with the verdict
   trusted_certs           list of PEM texts: the trust bundle
   untrusted_intermediates list of PEM texts: what the peer sends besides its own
   peer_certificate        PEM text: what the peer is to be judged by
   expected_peer_name      {"kind": "DNS", "IP", "RFC822" or "URI", "value"}; null: any
   validation_time         RFC 3339; null: now
   max_chain_depth         intermediates allowed between leaf and anchor, 0 to 100; null: 100
   extended_key_usage      [] or ["serverAuth"]: weir judges servers and nothing else
   crls                    list of PEM texts; where there are any, every certificate of the
                           chain needs one
   strict                  true: RFC 5280 and the CA/Browser Forum's profile in full
   partial_chain           true: any certificate of trusted_certs can be the anchor
   security_level          0 to 5; null: 2

peer_certificate is needed; the rest may be missing. For each line one line is written at once:

   {"id": …, "result": "SUCCESS" or "FAILURE", "verdict": {"code", "text", "depth", …}}

A line that cannot be judged gives a FAILURE with "error" in place of "verdict". A name that no
field has is such an error. Descriptions that the test cases of x509-limbo carry are passed over.

Verdicts come from the code that judges upstreams in a handshake.

Exit status:
   0  every line was judged
   1  at least one was not
   2  the command line is not valid

Example:
   weir tls verify <cases.jsonl]]

function verify.configure(parser)
  parser:description("Judges certificate chains, as a handshake with an upstream would.")
  parser:epilog(EPILOG)
end

function verify.execute(_, process)
  local cases = require("weir.cli.tls.cases")
  local all_judged = true
  for line, number, problem in lines.of(process.stdin) do
    if problem or line:find("%S") then
      local answer, judged = cases.answer(line, number, problem)
      all_judged = all_judged and judged
      process.stdout:write(answer, "\n")
      process.stdout:flush()
    end
  end
  return options.exit(all_judged and 0 or 1)
end

return verify
