# A header begins with the comment that explains it, and guards itself with #pragma once.

FNR == 1 {
    finish()
    name = FILENAME
    guarded = 0
    if ($0 !~ /^\/\/ [^ ]/)
        print name ":1: a header begins with a comment: what it is, who owns it, which thread"
}

/^#pragma once$/ { guarded = 1 }

END { finish() }

function finish() {
    if (name != "" && !guarded)
        print name ":1: no #pragma once"
}
