// supervisor.c - starting the gateway process, starting it again, passing signals on.

#include "supervisor.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    STOP_SECONDS = 10,      // for a gateway told to stop, before it is killed
    BACKOFF_MAX = 5,        // seconds between starts of a gateway that dies at once
};

static const int passed_on[] = { SIGHUP, SIGTERM, SIGINT, SIGQUIT };

static pid_t supervisor;    // for the gateway process, which has this from before it was made

struct child {
    pid_t pid;
    int ready_fd;           // readable when it is ready, -1 afterwards
    bool ready;
    time_t started;
};

static time_t seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

// The kernel knows of a loss that comes after prctl() alone.
void supervisor_loss_sends(int signum)
{
    prctl(PR_SET_PDEATHSIG, signum);
    if (getppid() != supervisor)
        kill(getpid(), signum);
}

static bool start(struct child *c, int (*gateway)(void *arg, int ready_fd), void *arg,
                  const sigset_t *before)
{
    int pipe_fd[2];
    if (pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK) != 0) {
        log_write(LOG_EMERG, 0, "cannot make a pipe: %s", strerror(errno));
        return false;
    }
    supervisor = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        // Without its supervisor the gateway has no business: nobody would restart it or pass
        // signals.
        supervisor_loss_sends(SIGTERM);
        close(pipe_fd[0]);
        sigset_t set = *before;
        for (unsigned i = 0; i < ARRAY_LEN(passed_on); i++)
            sigaddset(&set, passed_on[i]);
        sigprocmask(SIG_SETMASK, &set, NULL);
        exit(gateway(arg, pipe_fd[1]));
    }
    close(pipe_fd[1]);
    if (pid < 0) {
        close(pipe_fd[0]);
        log_write(LOG_EMERG, 0, "cannot start the gateway process: %s", strerror(errno));
        return false;
    }
    *c = (struct child){ .pid = pid, .ready_fd = pipe_fd[0], .started = seconds() };
    return true;
}

static void read_ready(struct child *c)
{
    char byte;
    if (c->ready_fd < 0 || read(c->ready_fd, &byte, 1) != 1)
        return;
    c->ready = true;
    close(c->ready_fd);
    c->ready_fd = -1;
}

static int status_code(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void log_death(pid_t pid, int status)
{
    if (WIFSIGNALED(status))
        log_write(LOG_ALERT, 0, "gateway process %d exited on signal %d%s", (int)pid,
                  WTERMSIG(status), WCOREDUMP(status) ? " (core dumped)" : "");
    else
        log_write(LOG_ALERT, 0, "gateway process %d exited with code %d", (int)pid,
                  WEXITSTATUS(status));
}

// Waits for a signal, at most `timeout` seconds (0: without limit); 0 when the time is over.
static int wait_signal(const sigset_t *set, time_t timeout)
{
    struct timespec t = { .tv_sec = timeout };
    int signum = timeout ? sigtimedwait(set, NULL, &t) : sigwaitinfo(set, NULL);
    return signum > 0 ? signum : 0;
}

// Time without a gateway, when it dies again and again; false: a signal to stop came meanwhile.
static bool rest(const sigset_t *set, time_t until)
{
    for (time_t now; (now = seconds()) < until;) {
        int signum = wait_signal(set, until - now);
        if (signum == SIGTERM || signum == SIGINT || signum == SIGQUIT)
            return false;
    }
    return true;
}

int supervisor_run(int (*gateway)(void *arg, int ready_fd), void *arg)
{
    sigset_t set, before;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    for (unsigned i = 0; i < ARRAY_LEN(passed_on); i++)
        sigaddset(&set, passed_on[i]);
    sigprocmask(SIG_BLOCK, &set, &before);

    struct child c;
    if (!start(&c, gateway, arg, &before))
        return 1;
    bool ever_ready = false, stopping = false;
    time_t kill_at = 0, backoff = 0;
    for (;;) {
        time_t now = seconds();
        int signum = wait_signal(&set, kill_at ? (kill_at > now ? kill_at - now : 1) : 0);
        read_ready(&c);
        ever_ready = ever_ready || c.ready;
        if (signum == SIGCHLD) {
            int status;
            if (waitpid(c.pid, &status, WNOHANG) != c.pid)
                continue;
            if (c.ready_fd >= 0)
                close(c.ready_fd);
            if (stopping || !ever_ready)
                return status_code(status);
            log_death(c.pid, status);
            backoff = seconds() - c.started > BACKOFF_MAX ? 0
                      : backoff < BACKOFF_MAX             ? backoff + 1
                                                          : backoff;
            if (backoff > 1 && !rest(&set, seconds() + backoff))
                return status_code(status);
            if (!start(&c, gateway, arg, &before))
                return 1;
        } else if (signum != 0) {
            kill(c.pid, signum);
            stopping = stopping || signum != SIGHUP;
            if (signum == SIGTERM || signum == SIGINT)
                kill_at = seconds() + STOP_SECONDS;
        } else if (kill_at && seconds() >= kill_at) {
            log_write(LOG_ALERT, 0, "gateway process %d does not stop: it is killed", (int)c.pid);
            kill(c.pid, SIGKILL);
            kill_at = 0;
        }
    }
}
