/* write.c: write(2) without the signals that come with its failures. */
#define _GNU_SOURCE
#include "base/write.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

enum { LARGEST_WRITE = 1 << 30 };

static int write_through(int fd, const unsigned char *p, size_t bytes)
{
    while (bytes) {
        ssize_t n = write(fd, p, bytes < LARGEST_WRITE ? bytes : LARGEST_WRITE);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        if (n == 0) return EIO; /* would be an endless loop */
        p += n;
        bytes -= (size_t)n;
    }
    return 0;
}

int weft__write_all(int fd, const void *data, size_t bytes)
{
    sigset_t ours, pending, before;
    int err, ignored;
    sigemptyset(&ours);
    sigaddset(&ours, SIGPIPE);
    sigaddset(&ours, SIGXFSZ);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &ours, &before);
    err = write_through(fd, data, bytes);
    /* Take back what our write raised in this thread, nothing that was there before. */
    if (err == EPIPE && !sigismember(&pending, SIGPIPE)) {
        sigdelset(&ours, SIGXFSZ);
        sigpending(&pending);
        if (sigismember(&pending, SIGPIPE)) sigwait(&ours, &ignored);
    } else if (err == EFBIG && !sigismember(&pending, SIGXFSZ)) {
        sigdelset(&ours, SIGPIPE);
        sigpending(&pending);
        if (sigismember(&pending, SIGXFSZ)) sigwait(&ours, &ignored);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}
