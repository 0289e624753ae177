# What no source contains: long lines (those of Lua are luacheck's), tabs, spaces at the end, and
# promises to finish it later.

BEGIN {
    # Put together here, so that this file does not contain them itself.
    split("TO" "DO,FIX" "ME,XX" "X,HA" "CK", marks, ",")
    later = "[Ff]or " "now[^a-z]"
}

{
    if (length($0) > 100 && FILENAME !~ /\.lua$/)
        print FILENAME ":" FNR ": longer than 100 columns"
    if ($0 ~ /[ \t]$/)
        print FILENAME ":" FNR ": space at the end of the line"
    if (FILENAME ~ /\.(lua|[ch])$/ && index($0, "\t"))
        print FILENAME ":" FNR ": tab"
    for (i in marks)
        if ($0 ~ "(^|[^A-Za-z])" marks[i] "([^A-Za-z]|$)")
            print FILENAME ":" FNR ": " marks[i]
    if (($0 " ") ~ later)
        print FILENAME ":" FNR ": \"for " "now\""
}
