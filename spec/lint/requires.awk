# Modules of weir's own that Lua asks for by name are files: given all of them.

BEGIN {
    asked = "(require|package[.](loaded|preload))[^\"']*[\"']weir[.][a-z0-9_.]*[a-z0-9_][\"']"
    known["weir.wait.core"] # core/vm/wait.c
    for (i = 1; i < ARGC; i++) {
        name = ARGV[i]
        if (!sub(/^lua\//, "", name))
            continue
        sub(/(\/init)?\.lua$/, "", name)
        gsub("/", ".", name)
        known[name]
    }
}

{
    rest = $0
    while (match(rest, asked)) {
        name = substr(rest, RSTART, RLENGTH - 1)
        sub(/.*["']/, "", name)
        if (!(name in known))
            print FILENAME ":" FNR ": there is no module " name
        rest = substr(rest, RSTART + RLENGTH)
    }
}
