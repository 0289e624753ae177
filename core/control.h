// The control thread of the gateway process: signals, the control VM (which reads, checks and
// compiles the configuration), the workers, and putting snapshots in force on all of them.
//
// Owner: the process. Threads: the process's first.

#pragma once

#include "worker.h"

struct control_options {
    const char *lua_root;
    struct str blob;                    // for control.start()
    unsigned workers;
    struct worker_listen *listens; // `listen_count` for each worker, one worker after the other
    unsigned listen_count;
    uint32_t stall_warning, stall_limit;    // ms, for the watchdog
};

// Runs until a signal ends it. Writes a byte to `ready_fd` when all workers serve. Returns the exit
// status.
int control_run(const struct control_options *options, int ready_fd);
