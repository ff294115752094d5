/* writer.c: replacing a file so that readers see the old one or the new one, whole. */
#define _GNU_SOURCE
#include "base/file.h"
#include "base/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 256 << 10, TEMPORARIES = 100 };

static int sync_fully(int fd)
{
    while (fsync(fd))
        if (errno != EINTR)
            return errno; /* never again on this descriptor: the pages that
                             could not be written are marked clean by now */
    return 0;
}

/* "DIR/.NAME.weft-N": next to path, so that the rename stays within one file system. */
static char *temporary_name(const char *path, int number)
{
    const char *slash = strrchr(path, '/');
    size_t dir = slash ? (size_t)(slash - path) + 1 : 0, bytes = strlen(path) + 20;
    char *name = malloc(bytes);
    if (name)
        snprintf(name, bytes, "%.*s.%s.weft-%d", (int)dir, path, path + dir, number);
    return name;
}

/* Whether the descriptor still is what the name stands for, a plain file of our own. */
static bool is_ours(int fd, const char *name)
{
    struct stat open_file, named;
    return !fstat(fd, &open_file) && !lstat(name, &named) && S_ISREG(named.st_mode) &&
           open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev &&
           named.st_nlink == 1 && named.st_uid == geteuid();
}

/* A temporary under one of a few fixed names, so that what a killed process left
 * behind is taken over by the next one. The lock tells left-overs from files in use.
 * Returns the descriptor, -1 with errno set, or -2 when this name is in use. */
static int take_temporary(const char *name)
{
    bool made = true;
    int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0 && errno == EEXIST) {
        made = false;
        fd = open(name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0) return -2;
    }
    if (fd < 0) return -1;
    /* A file system without locks: only a file that we made is surely not in use. */
    if (flock(fd, LOCK_EX | LOCK_NB) && (errno == EWOULDBLOCK || !made)) {
        close(fd);
        return -2;
    }
    if (!is_ours(fd, name) || ftruncate(fd, 0)) {
        close(fd);
        return -2;
    }
    return fd;
}

static weft_status open_temporary(weft__writer *w)
{
    for (int number = 0; number < TEMPORARIES; number++) {
        free(w->temporary);
        w->temporary = temporary_name(w->path, number);
        if (!w->temporary)
            return weft__fail(WEFT_ENOMEM, "%s: no memory to write it", w->path);
        do w->fd = take_temporary(w->temporary);
        while (w->fd == -1 && errno == EINTR);
        if (w->fd >= 0) return WEFT_OK;
        if (w->fd == -1)
            return weft__fail_errno(WEFT_EIO, errno, "%s: cannot write", w->path);
    }
    w->fd = -1;
    return weft__fail(WEFT_EIO, "%s: cannot write: %d others write it at this moment",
                      w->path, TEMPORARIES);
}

/* What stands at path may be replaced when it is a regular file; its permissions are
 * kept. A device (/dev/null, /dev/stdout), a pipe or a folder must not make room for a
 * file. */
static weft_status look_at_target(const char *path, mode_t *mode)
{
    struct stat st;
    *mode = 0;
    if (!*path) return weft__fail(WEFT_EIO, "cannot write a file without a name");
    if (stat(path, &st)) return WEFT_OK;
    if (S_ISDIR(st.st_mode))
        return weft__fail(WEFT_EIO, "%s: cannot write: is a folder", path);
    if (!S_ISREG(st.st_mode))
        return weft__fail(WEFT_EIO, "%s: cannot write: is a device or pipe", path);
    *mode = st.st_mode & 0777;
    return WEFT_OK;
}

weft_status weft__writer_open(weft__writer *w, const char *path)
{
    mode_t mode;
    weft_status s;
    *w = (weft__writer){.fd = -1};
    s = look_at_target(path, &mode);
    if (!s) {
        w->path = strdup(path);
        w->buffer = malloc(BUFFER_BYTES);
        s = w->path && w->buffer
                ? open_temporary(w)
                : weft__fail(WEFT_ENOMEM, "%s: no memory to write it", path);
    }
    if (!s && mode) fchmod(w->fd, mode); /* a file system without modes may refuse */
    w->status = s;
    if (s) weft__writer_abandon(w);
    return s;
}

static bool is_open(const weft__writer *w)
{
    return w->temporary && w->fd >= 0; /* {0} is closed too */
}

static void write_through(weft__writer *w, const void *data, size_t bytes)
{
    int err = weft__write_all(w->fd, data, bytes);
    if (err) w->status = weft__fail_errno(WEFT_EIO, err, "%s: cannot write", w->path);
}

static void flush(weft__writer *w)
{
    if (w->used && !w->status) write_through(w, w->buffer, w->used);
    w->used = 0;
}

void weft__writer_put(weft__writer *w, const void *data, size_t bytes)
{
    if (w->status || !bytes) return;
    if (bytes > BUFFER_BYTES - w->used) flush(w);
    if (w->status) return;
    if (bytes >= BUFFER_BYTES) {
        write_through(w, data, bytes);
    } else {
        memcpy(w->buffer + w->used, data, bytes);
        w->used += bytes;
    }
    w->written += bytes;
}

void weft__writer_printf(weft__writer *w, const char *format, ...)
{
    char small[512], *text = small;
    va_list args;
    int n;
    if (w->status) return;
    va_start(args, format);
    n = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (n >= (int)sizeof small && (text = malloc((size_t)n + 1))) {
        va_start(args, format);
        n = vsnprintf(text, (size_t)n + 1, format, args);
        va_end(args);
    }
    if (!text || n < 0)
        w->status = weft__fail(text ? WEFT_EBUG : WEFT_ENOMEM, "%s: cannot format a line",
                               w->path);
    else
        weft__writer_put(w, text, (size_t)n);
    if (text != small) free(text);
}

/* So that the rename outlives a power cut. EINVAL: the file system cannot do that. */
static int sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir =
        slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    int fd, err = 0;
    if (!dir) return ENOMEM;
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(dir);
    if (fd < 0)
        return errno == EACCES ? 0 : errno; /* may be entered and written, not read */
    err = sync_fully(fd);
    close(fd);
    return err == EINVAL || err == ENOTSUP ? 0 : err;
}

static void release(weft__writer *w)
{
    if (is_open(w)) close(w->fd);
    free(w->path);
    free(w->temporary);
    free(w->buffer);
    *w = (weft__writer){.fd = -1, .status = w->status, .written = w->written};
}

weft_status weft__writer_commit(weft__writer *w)
{
    int err;
    if (!is_open(w)) /* never opened, or the failed open was overlooked */
        return w->status
                   ? w->status
                   : weft__fail(WEFT_EBUG, "a file that is not open cannot be saved");
    flush(w);
    if (!w->status && (err = sync_fully(w->fd)))
        w->status = weft__fail_errno(WEFT_EIO, err, "%s: cannot save", w->path);
    if (!w->status && rename(w->temporary, w->path))
        w->status = weft__fail_errno(WEFT_EIO, errno, "%s: cannot save", w->path);
    if (w->status) {
        weft__writer_abandon(w);
        return w->status;
    }
    if ((err = sync_folder_of(w->path)))
        w->status =
            weft__fail_errno(WEFT_EIO, err, "%s: cannot save its folder", w->path);
    release(w);
    return w->status;
}

void weft__writer_abandon(weft__writer *w)
{
    if (is_open(w)) unlink(w->temporary); /* before the lock goes with the descriptor */
    release(w);
}

weft_status weft__file_replace(const char *path, const void *data, size_t bytes)
{
    weft__writer w;
    weft_status s = weft__writer_open(&w, path);
    if (s) return s;
    weft__writer_put(&w, data, bytes);
    return weft__writer_commit(&w);
}
