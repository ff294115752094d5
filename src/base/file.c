/* file.c: reading whole files within a limit, and what lies in folders. */
#define _GNU_SOURCE
#include "base/file.h"
#include "base/checked.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opens without blocking (a FIFO without a writer would) and keeps the descriptor only
 * when it is a regular file. */
static weft_status open_regular(const char *path, int *out, uint64_t *size)
{
    struct stat st;
    int fd;
    do fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    while (fd < 0 && errno == EINTR);
    if (fd < 0) return weft__fail_errno(WEFT_EIO, errno, "%s: cannot open", path);
    if (fstat(fd, &st)) {
        int err = errno;
        close(fd);
        return weft__fail_errno(WEFT_EIO, err, "%s: cannot open", path);
    }
    if (!S_ISREG(st.st_mode)) {
        close(fd);
        return weft__fail(WEFT_EIO, "%s: %s", path,
                          S_ISDIR(st.st_mode)
                              ? "is a folder, not a file"
                              : "is a device or pipe, not a regular file");
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    *out = fd;
    *size = (uint64_t)st.st_size;
    return WEFT_OK;
}

weft_status weft__file_open(const char *path, FILE **f, uint64_t *size)
{
    uint64_t bytes;
    int fd;
    FILE *opened;
    weft_status s = open_regular(path, &fd, &bytes);
    if (s) return s;
    opened = fdopen(fd, "rb");
    if (!opened) {
        int err = errno;
        close(fd);
        return weft__fail_errno(WEFT_EIO, err, "%s: cannot open", path);
    }
    *f = opened;
    if (size) *size = bytes;
    return WEFT_OK;
}

static weft_status too_large(const char *path, size_t max)
{
    return weft__fail(WEFT_ENOMEM, "%s: larger than the %zu bytes allowed", path, max);
}

static weft_status resize(const char *path, unsigned char **p, size_t bytes)
{
    unsigned char *q = bytes > weft__max_memory() ? NULL : realloc(*p, bytes);
    if (!q)
        return weft__fail(WEFT_ENOMEM, "%s: no memory for its %zu bytes", path,
                          bytes - 2);
    *p = q;
    return WEFT_OK;
}

/* Reads to the end. What fstat said is only where to begin: the file may grow
 * meanwhile, and the files of /proc say 0. */
static weft_status read_all(const char *path, int fd, size_t expected, size_t max,
                            unsigned char **data, size_t *size)
{
    size_t used = 0, room = expected + 2; /* a byte to notice the end with, and the NUL */
    unsigned char *p = NULL;
    weft_status s = resize(path, &p, room);
    while (!s) {
        ssize_t n = read(fd, p + used, room - 1 - used);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) s = weft__fail_errno(WEFT_EIO, errno, "%s: cannot read", path);
        if (n <= 0) break;
        used += (size_t)n;
        if (used > max) s = too_large(path, max);
        if (!s && used == room - 1) {
            room = max / 2 > 4096 && used < max / 2 - 4096 ? used * 2 + 4096 : max + 2;
            s = resize(path, &p, room);
        }
    }
    if (s) {
        free(p);
        return s;
    }
    p[used] = 0;
    *data = p;
    *size = used;
    return WEFT_OK;
}

weft_status weft__file_read(const char *path, size_t max, unsigned char **data,
                            size_t *size)
{
    uint64_t bytes;
    int fd;
    weft_status s = open_regular(path, &fd, &bytes);
    if (s) return s;
    if (max > SIZE_MAX - 2) max = SIZE_MAX - 2;
    s = bytes > max ? too_large(path, max)
                    : read_all(path, fd, (size_t)bytes, max, data, size);
    close(fd);
    return s;
}

bool weft__is_folder(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

bool weft__is_file(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISREG(st.st_mode);
}

weft_status weft__make_folders(const char *path)
{
    weft_status s = WEFT_OK;
    char *part = strdup(path), *at;
    if (!part) return weft__fail(WEFT_ENOMEM, "no memory for a path");
    if (!*part) s = weft__fail(WEFT_EIO, "cannot make a folder without a name");
    for (at = part; !s && *at;) {
        char saved;
        int err;
        at += strspn(at, "/");
        at += strcspn(at, "/");
        saved = *at;
        *at = 0;
        err = mkdir(part, 0777) ? errno : 0;
        /* Not every system says EEXIST for a folder that is there (EROFS, EACCES). */
        if (err && !weft__is_folder(part))
            s = err == EEXIST
                    ? weft__fail(WEFT_EIO, "%s: is there and is not a folder", part)
                    : weft__fail_errno(WEFT_EIO, err, "%s: cannot make the folder", part);
        *at = saved;
    }
    free(part);
    return s;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Adds a copy of name; WEFT_ENOMEM without a message when there is no memory for it. */
static weft_status names_add(weft__names *n, size_t *room, const char *name)
{
    if (n->count == *room) {
        size_t more = *room ? *room * 2 : 64;
        char **grown = realloc(n->name, more * sizeof *grown);
        if (!grown) return WEFT_ENOMEM;
        n->name = grown;
        *room = more;
    }
    n->name[n->count] = strdup(name);
    if (!n->name[n->count]) return WEFT_ENOMEM;
    n->count++;
    return WEFT_OK;
}

weft_status weft__folder_list(const char *path, size_t max, weft__names *out)
{
    weft__names names = {0};
    size_t room = 0;
    weft_status s = WEFT_OK;
    struct dirent *e;
    DIR *d = opendir(path);
    if (!d) return weft__fail_errno(WEFT_EIO, errno, "%s: cannot open the folder", path);
    while (!s && (errno = 0, e = readdir(d))) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        if (names.count == max)
            s = weft__fail(WEFT_ENOMEM, "%s: more than the %zu names allowed", path, max);
        else if (names_add(&names, &room, e->d_name))
            s = weft__fail(WEFT_ENOMEM, "%s: no memory for the names in it", path);
    }
    if (!s && errno)
        s = weft__fail_errno(WEFT_EIO, errno, "%s: cannot read the folder", path);
    closedir(d);
    if (s) {
        weft__names_free(&names);
        return s;
    }
    if (names.count) qsort(names.name, names.count, sizeof *names.name, by_bytes);
    *out = names;
    return WEFT_OK;
}

void weft__names_free(weft__names *n)
{
    if (!n) return;
    for (size_t i = 0; i < n->count; i++) free(n->name[i]);
    free(n->name);
    *n = (weft__names){0};
}
