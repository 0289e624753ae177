-- What plugins require for JSON whose errors are results.
return require("weir.text.json").safe()
