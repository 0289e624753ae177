-- `weir plugin`: for people who write plugins.
return {
  summary = "begin, check and test a plugin of your own",
  commands = { "new", "check", "test" },
}
