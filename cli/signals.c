/* signals.c: the first request to stop is kept for the training loop, the second one is
 * obeyed. */
#include "option.h"

#include <signal.h>
#include <unistd.h>

volatile int stop_signal;

static void caught(int sig)
{
    if (stop_signal) _exit(128 + sig);
    stop_signal = sig;
}

void signals_catch(void)
{
    struct sigaction a = {.sa_handler = caught, .sa_flags = SA_RESTART}, old;
    const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (int i = 0; i < 3; i++) {
        sigaction(signals[i], NULL, &old);
        if (old.sa_handler != SIG_IGN || signals[i] == SIGTERM)
            sigaction(signals[i], &a, NULL);
    }
    signal(SIGPIPE, SIG_IGN); /* a closed pipe must not end a training run */
}
