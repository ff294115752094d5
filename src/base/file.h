/* file.h: reading whole files within a limit, and replacing files atomically. */
#ifndef WEFT_SRC_BASE_FILE_H
#define WEFT_SRC_BASE_FILE_H

#include "base/error.h"
#include "base/path.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Reads a regular file of at most max bytes into fresh memory (free() it), followed
 * by a NUL. Never blocks on a FIFO or device: those fail. WEFT_EIO, or WEFT_ENOMEM
 * when larger than max. Opened by the caller's path only; symlinks are followed. */
weft_status weft__file_read(const char *path, size_t max, unsigned char **data,
                            size_t *size);

/* Opens a regular file for reading (O_NONBLOCK probe first, so that FIFOs and
 * devices are refused with WEFT_EIO). *size may be NULL. */
weft_status weft__file_open(const char *path, FILE **f, uint64_t *size);

/* Writes a new file next to path and renames it over path when committed: readers
 * see the old file or the new one, whole. */
typedef struct weft__writer {
    int fd;
    char *path, *temporary;
    unsigned char *buffer;
    size_t used;
    uint64_t written;
    weft_status status; /* the first failure; later writes do nothing */
} weft__writer;

weft_status weft__writer_open(weft__writer *w, const char *path);
void weft__writer_put(weft__writer *w, const void *data, size_t bytes);
void weft__writer_printf(weft__writer *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* flush, fsync, rename, fsync of the folder. Failing or not, w is closed and the
 * temporary gone. */
weft_status weft__writer_commit(weft__writer *w);
void weft__writer_abandon(weft__writer *w); /* closes and removes the temporary */

/* One call for small files. */
weft_status weft__file_replace(const char *path, const void *data, size_t bytes);

bool weft__is_folder(const char *path);
bool weft__is_file(const char *path);
/* mkdir -p. WEFT_EIO. */
weft_status weft__make_folders(const char *path);

/* The names in a folder, sorted bytewise, without "." and "..". Free with
 * weft__names_free. */
typedef struct weft__names {
    char **name;
    size_t count;
} weft__names;
weft_status weft__folder_list(const char *path, size_t max, weft__names *out);
void weft__names_free(weft__names *n);

#endif
