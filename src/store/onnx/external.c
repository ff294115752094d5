/* external.c: tensors in files next to the model, and only there. */
#define _GNU_SOURCE
#include "store/onnx/tensor.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static weft_status outside(const char *location)
{
    return weft__fail(WEFT_EMODEL, "external data \"%s\" are outside the model's folder",
                      location);
}

/* Relative, and every part a plain name. */
static bool stays_inside(const char *location)
{
    if (!*location || *location == '/' || strchr(location, '\\')) return false;
    for (const char *part = location; part;) {
        size_t n = strcspn(part, "/");
        if (!n || (n == 1 && part[0] == '.') ||
            (n == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        part = part[n] ? part + n + 1 : NULL;
    }
    return true;
}

/* Descends part by part, following no link, so that nothing leads out. The name was
 * checked. Returns a descriptor, or -1 with errno set. */
static int open_inside(const char *folder, char *location)
{
    int at = open(*folder ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), next;
    char *part = location, *slash;
    while (at >= 0 && (slash = strchr(part, '/'))) {
        *slash = 0;
        next = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int err = errno;
        close(at);
        errno = err;
        at = next;
        part = slash + 1;
    }
    if (at < 0) return -1;
    next = openat(at, part, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    int err = errno;
    close(at);
    errno = err;
    return next;
}

static weft_status read_piece(weft__onnx_source *src, int fd, const char *location,
                              int64_t offset, int64_t length, const void **data)
{
    unsigned char *p = weft__arena_alloc(src->arena, (size_t)length + 1);
    if (!p) return weft__fail(WEFT_ENOMEM, "no memory for %lld bytes", (long long)length);
    for (int64_t done = 0; done < length;) {
        ssize_t n = pread(fd, p + done, (size_t)(length - done), (off_t)(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0)
            return weft__fail_errno(WEFT_EIO, errno, "\"%s\": cannot read", location);
        if (!n) return weft__fail(WEFT_EMODEL, "\"%s\": became shorter", location);
        done += n;
    }
    *data = p;
    return WEFT_OK;
}

weft_status weft__onnx_external(weft__onnx_source *src, const char *location,
                                int64_t offset, int64_t length, const void **data,
                                size_t *bytes)
{
    struct stat st;
    char *copy;
    weft_status s = WEFT_OK;
    if (!stays_inside(location)) return outside(location);
    if (!(copy = strdup(location)))
        return weft__fail(WEFT_ENOMEM, "no memory for a path");
    int fd = open_inside(src->folder, copy);
    int err = errno;
    free(copy);
    if (fd < 0 && (err == ELOOP || err == ENOTDIR || err == ENXIO))
        return outside(location);
    if (fd < 0)
        return weft__fail_errno(WEFT_EMODEL, err, "external data \"%s\"", location);
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_nlink != 1) {
        s = outside(
            location); /* a device, a pipe, or a file with a second name elsewhere */
    } else if (offset > st.st_size || length > st.st_size - offset) {
        s = weft__fail(WEFT_EMODEL,
                       "external data \"%s\": %lld bytes at %lld, the file has "
                       "%lld",
                       location, (long long)length, (long long)offset,
                       (long long)st.st_size);
    } else {
        s = read_piece(src, fd, location, offset, length, data);
        if (!s) *bytes = (size_t)length;
    }
    close(fd);
    return s;
}
