-- `weir tls`: what is known about upstream verification without a gateway that runs.
return {
  summary = "explain, judge and compare how upstreams are verified",
  commands = { "explain", "verify", "diff" },
}
