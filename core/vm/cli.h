// The command line: what lua/weir/cli made of the arguments, as C reads it.
//
// Owner: main(), before the supervisor starts; no VM is left when the action is there. Threads: the
// main one.

#pragma once

#include "base/str.h"

struct cli_listen {
    char host[64];          // an IP literal
    uint16_t port;          // 0: the system chooses
    bool tls, admin;
    bool reuseport, deferred;
    int backlog;            // 0: default
    int ipv6only;           // -1: the system's default
    int keepalive;          // -1: the system's default
};

struct cli_action {
    bool run;               // start the gateway; else the process ends with `code`
    int code;
    struct cli_listen *listens;
    unsigned listen_count;
    unsigned workers;
    int log_level;          // enum log_level
    bool access_log;
    uint32_t stall_warning, stall_limit;    // ms, of a worker; 0: none
    struct str blob;        // for control.start()
};

// Runs weir.cli's main() with the arguments (without the program's name). Errors in it end in code
// 70 and a message on standard error.
void cli_run(const char *lua_root, int argc, char **argv, struct cli_action *out);
void cli_done(struct cli_action *action);
