/* main.c: the command `weft`: picks the subcommand. */
#include "option.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/nearest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CMD(name, summary) extern const command command_##name;
#include "table.def"
#undef CMD

static const struct {
    const command *c;
    const char *summary;
} table[] = {
#define CMD(name, summary) {&command_##name, summary},
#include "table.def"
#undef CMD
};

enum { COUNT = sizeof table / sizeof *table };

int command_total(void)
{
    return COUNT;
}
const command *command_at(int i)
{
    return table[i].c;
}
const char *command_summary(int i)
{
    return table[i].summary;
}

const command *command_find(const char *name)
{
    for (int i = 0; i < COUNT; i++)
        if (!strcmp(table[i].c->name, name)) return table[i].c;
    return NULL;
}

static int unknown(const char *name)
{
    const char *names[COUNT];
    char shown[100];
    for (int i = 0; i < COUNT; i++) names[i] = table[i].c->name;
    const char *near = weft__nearest(name, names, COUNT);
    weft__escape(shown, sizeof shown, name);
    if (near)
        return command_misused("there is no command %s. Did you mean %s?", shown, near);
    return command_misused("there is no command %s. See weft help", shown);
}

/* A descriptor 0, 1 or 2 that is closed would become the next file that is opened, and
 * messages would go into it: /dev/null takes the place. */
static void open_standard_files(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            if (open("/dev/null", fd ? O_WRONLY : O_RDONLY) < 0) _exit(5);
}

/* A result that could not be written is a failure, unless nobody reads it any more. */
static int close_stdout(int code)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    errno = 0;
    if (!fflush(stdout) && !ferror(stdout)) return code;
    int err = errno; /* 0: an earlier write failed */
    if (err == EPIPE || (poll(&out, 1, 0) > 0 && out.revents & POLLERR)) return code;
    int failed = command_failed(weft__fail_errno(WEFT_EIO, err ? err : EIO,
                                                 "standard output: cannot be written"));
    return code ? code : failed;
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        help_overview(stderr);
        return 2;
    }
    const char *first = argv[1];
    if (!strcmp(first, "--version") || !strcmp(first, "-V")) {
        printf("weft %s (%s)\n", weft_version(), weft_isa());
        return 0;
    }
    if (!strcmp(first, "--help") || !strcmp(first, "-h")) {
        help_overview(stdout);
        return 0;
    }
    const command *c = command_find(first);
    return c ? c->run(argc - 1, argv + 1) : unknown(first);
}

int main(int argc, char **argv)
{
    weft__return_large_blocks();
    open_standard_files();
    return close_stdout(run(argc, argv));
}
