/* lock.c: one process claims a folder; a second name for a file. */
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static weft_status in_use(const char *path, int fd)
{
    char owner[32] = "";
    ssize_t n = pread(fd, owner, sizeof owner - 1, 0);
    owner[n > 0 ? n : 0] = '\0';
    owner[strcspn(owner, "\n")] = '\0';
    return weft__fail(WEFT_EIO,
                      "%s: in use by process %s. Wait for it, or choose another name",
                      path, owner[0] ? owner : "(unknown)");
}

weft_status weft__lock_take(const char *path, int *lock)
{
    char text[32];
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) return weft__fail_errno(WEFT_EIO, errno, "%s: cannot be written", path);
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        weft_status s =
            errno == EWOULDBLOCK
                ? in_use(path, fd)
                : weft__fail_errno(WEFT_EIO, errno, "%s: cannot be locked", path);
        close(fd);
        return s;
    }
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)n, 0) != n) {
        weft_status s = weft__fail_errno(WEFT_EIO, errno, "%s: cannot be written", path);
        close(fd);
        return s;
    }
    *lock = fd;
    return WEFT_OK;
}

void weft__lock_drop(int lock)
{
    if (lock >= 0) close(lock);
}

weft_status weft__file_link(const char *from, const char *to)
{
    size_t size = strlen(to) + 16;
    char *temporary = malloc(size);
    if (!temporary) return weft__fail(WEFT_ENOMEM, "%s: out of memory", to);
    snprintf(temporary, size, "%s.link", to);
    weft_status s = WEFT_OK;
    unlink(temporary);
    if (link(from, temporary) || rename(temporary, to))
        s = weft__fail_errno(WEFT_EIO, errno, "%s: cannot be made", to);
    unlink(temporary); /* rename does nothing when both name the same file already */
    free(temporary);
    return s;
}
