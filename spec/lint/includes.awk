# Who may include whom. A folder of core/ sees itself and the folders to its left:
#
#   base <- net <- tls <- http <- conf <- proxy <- vm <- worker, runtime, watchdog, control,
#   supervisor <- main
#
# and each foreign library has one home.

BEGIN {
    count = split("base net tls http conf proxy vm", order)
    for (i = 1; i <= count; i++)
        rank[order[i]] = i
    rank["worker.h"] = rank["runtime.h"] = rank["watchdog.h"] = count + 1
    rank["control.h"] = rank["supervisor.h"] = count + 1
    rank["main.h"] = count + 2

    home["uv"] = home["ares"] = "net"
    home["openssl"] = home["idn2"] = "tls"
    home["llhttp"] = "http"
    home["pcre2"] = home["yaml"] = "conf"
    home["lua"] = home["lualib"] = home["lauxlib"] = home["luajit"] = "vm"
}

FNR == 1 {
    split(FILENAME, part, "/")
    folder = part[2]
    sub(/\.c$/, ".h", folder)
    own = rank[folder]
    if (!own)
        print FILENAME ":1: spec/lint/includes.awk does not know the folder " part[2]
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, quoted, "\"")
    split(quoted[2], target, "/")
    theirs = rank[target[1]]
    if (!theirs)
        print FILENAME ":" FNR ": \"" quoted[2] "\" is not a path relative to core/"
    else if (theirs > own)
        print FILENAME ":" FNR ": " folder " may not include \"" quoted[2] "\""
}

/^[ \t]*#[ \t]*include[ \t]*</ {
    split($0, angle, /[<>]/)
    library = angle[2]
    sub(/[\/.].*/, "", library)
    if (library in home && home[library] != folder)
        print FILENAME ":" FNR ": only " home[library] "/ includes <" angle[2] ">"
    if (library == "uv" && FILENAME ~ /\.h$/)
        print FILENAME ":" FNR ": <uv.h> stays out of headers"
}
