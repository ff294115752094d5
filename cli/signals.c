/* signals.c: requests to stop: obeyed at once where nothing would be lost, kept for the
 * training loop where something would. */
#include "option.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

/* A handler may run on any thread: what it shares is atomic, and without a lock. */
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a handler may not take a lock");
static atomic_int stop_signal, deferred, terminal;

static void say(const char *text)
{
    ssize_t ignored = terminal ? write(STDERR_FILENO, "\n", 1) : 0;
    ignored = write(STDERR_FILENO, text, strlen(text));
    (void)ignored;
}

static void caught(int sig)
{
    int none = 0;
    if (!deferred || !atomic_compare_exchange_strong(&stop_signal, &none, sig)) {
        say("weft: stopped at once\n");
        _exit(128 + sig);
    }
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

int signals_caught(void)
{
    return stop_signal;
}
