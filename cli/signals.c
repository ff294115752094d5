/* signals.c: requests to stop: obeyed at once where nothing would be lost, kept for the
 * training loop where something would. */
#include "option.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t stop_signal, deferred, terminal;

int stopped_by(void)
{
    return stop_signal;
}

static void say(const char *text)
{
    ssize_t ignored = terminal ? write(STDERR_FILENO, "\n", 1) : 0;
    ignored = write(STDERR_FILENO, text, strlen(text));
    (void)ignored;
}

static void caught(int sig)
{
    if (stop_signal || !deferred) {
        say("weft: stopped at once\n");
        _exit(128 + sig);
    }
    stop_signal = sig;
    say("weft: stopping after this step; a second signal stops at once\n");
}

void signals_catch(void)
{
    struct sigaction a = {.sa_handler = caught, .sa_flags = SA_RESTART}, old;
    const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    terminal = isatty(STDERR_FILENO);
    sigemptyset(&a.sa_mask);
    for (int i = 0; i < 3; i++) {
        sigaction(signals[i], NULL, &old);
        if (old.sa_handler != SIG_IGN || signals[i] == SIGTERM)
            sigaction(signals[i], &a, NULL);
    }
    /* neither a closed pipe nor a full log file may end a training run */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

void signals_defer(bool on)
{
    deferred = on;
}
