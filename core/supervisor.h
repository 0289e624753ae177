// The first process: holds the listening sockets and keeps a gateway process running on them.
//
// No Lua, no TLS, no threads: nothing in it that a request could reach. When the gateway dies, the
// sockets stay, so clients wait in the backlog for the moment that a new one needs to start.
//
// Signals: SIGHUP and SIGQUIT go to the gateway; SIGTERM and SIGINT too, and if it does not end
// within some seconds, it is killed. The gateway begins with these four blocked, so that none is
// lost or ends it before it listens to them.

#pragma once

// Runs `gateway(arg, ready_fd)` in a child process, again whenever it dies after it was ready. The
// child writes a byte to `ready_fd` when it serves. Returns the process's exit status: the child's
// own, when it never became ready.
int supervisor_run(int (*gateway)(void *arg, int ready_fd), void *arg);

// For the gateway process, on the thread that `gateway` was called on: what the kernel sends to it
// when the supervisor is gone, at once if it is gone already. It begins with SIGTERM.
void supervisor_loss_sends(int signum);
