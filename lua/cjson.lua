-- What plugins require for JSON.
return require("weir.text.json").new()
