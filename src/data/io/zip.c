/* zip.c: one member of a zip archive, stored or deflated (PKWARE APPNOTE 6.3). */
#define _GNU_SOURCE
#include "data/io/zip.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUFFER = 1 << 16,
    TAIL = 65535 + 22,
    MOST_DIRECTORY = 16 << 20,
    STORED = 0,
    DEFLATED = 8
};

static uint32_t le16(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t le32(const unsigned char *p)
{
    return le16(p) | le16(p + 2) << 16;
}

static weft_status damaged(const weft__zip *z, const char *what)
{
    return weft__fail(WEFT_EDATA, "%s: zip archive: %s", z->path, what);
}

/* n bytes of the file at a place. */
static weft_status read_at(weft__zip *z, uint64_t at, void *to, size_t n)
{
    if (at > INT64_MAX || fseeko(z->file, (off_t)at, SEEK_SET) ||
        fread(to, 1, n, z->file) != n)
        return damaged(z, "truncated");
    return WEFT_OK;
}

/* The end record: where the directory is. */
static weft_status find_directory(weft__zip *z, uint64_t size, uint32_t *at,
                                  uint32_t *bytes)
{
    size_t n = size < TAIL ? (size_t)size : TAIL;
    unsigned char *tail = weft__alloc(n + 1, 1);
    weft_status s = tail ? read_at(z, size - n, tail, n)
                         : weft__fail(WEFT_ENOMEM, "%s: no memory to read it", z->path);
    size_t i = n >= 22 ? n - 22 : 0;
    bool found = false;
    for (; !s && n >= 22; i--) {
        found = !memcmp(tail + i, "PK\5\6", 4);
        if (found || !i) break;
    }
    if (!s && !found) s = damaged(z, "no directory");
    if (!s) {
        *bytes = le32(tail + i + 12);
        *at = le32(tail + i + 16);
        if (*at == UINT32_MAX || *bytes > MOST_DIRECTORY || *at + (uint64_t)*bytes > size)
            s = damaged(z, "its directory is too large or lies outside");
    }
    free(tail);
    return s;
}

/* An entry of the directory. */
typedef struct member {
    uint32_t method, packed, bytes, at;
} member;

static weft_status find_member(const weft__zip *z, const unsigned char *p, size_t n,
                               const char *name, member *out)
{
    size_t length = strlen(name);
    while (n >= 46 && !memcmp(p, "PK\1\2", 4)) {
        size_t whole = 46 + le16(p + 28) + le16(p + 30) + le16(p + 32);
        if (whole > n) break;
        if (le16(p + 28) == length && !memcmp(p + 46, name, length)) {
            if (le16(p + 8) & 1) return damaged(z, "is encrypted");
            *out = (member){le16(p + 10), le32(p + 20), le32(p + 24), le32(p + 42)};
            if (out->packed == UINT32_MAX || out->bytes == UINT32_MAX ||
                out->at == UINT32_MAX)
                return damaged(z, "members of 4 GB or more are not read");
            return WEFT_OK;
        }
        p += whole;
        n -= whole;
    }
    return weft__fail(WEFT_EDATA, "%s: zip archive: looked for %s, found none", z->path,
                      name);
}

static weft_status open_member(weft__zip *z, uint64_t size, const char *name)
{
    unsigned char *directory = NULL, head[30];
    uint32_t at, bytes;
    uint64_t data;
    member m = {0};
    weft_status s = find_directory(z, size, &at, &bytes);
    if (!s && !(directory = weft__alloc((size_t)bytes + 1, 1)))
        s = weft__fail(WEFT_ENOMEM, "%s: no memory to read it", z->path);
    if (!s) s = read_at(z, at, directory, bytes);
    if (!s) s = find_member(z, directory, bytes, name, &m);
    free(directory);
    if (!s) s = read_at(z, m.at, head, sizeof head);
    if (s) return s;
    data = (uint64_t)m.at + 30 + le16(head + 26) + le16(head + 28);
    if (memcmp(head, "PK\3\4", 4) || data + m.packed > size)
        return damaged(z, "a member lies outside");
    if (fseeko(z->file, (off_t)data, SEEK_SET)) return damaged(z, "truncated");
    z->packed = m.packed;
    z->left = m.bytes;
    if (m.method == DEFLATED) {
        s = weft__inflate_new(true, &z->z);
        return s ? weft__prefix(s, "%s", z->path) : WEFT_OK;
    }
    if (m.method != STORED)
        return weft__fail(WEFT_EDATA, "%s: zip method %u (0 and 8 are read)", z->path,
                          (unsigned)m.method);
    return m.packed == m.bytes ? WEFT_OK : damaged(z, "sizes that differ");
}

weft_status weft__zip_open(weft__zip *z, const char *path, const char *name)
{
    uint64_t size;
    weft_status s;
    *z = (weft__zip){.path = path};
    s = weft__file_open(path, &z->file, &size);
    if (!s && !(z->in = weft__alloc(BUFFER, 1)))
        s = weft__fail(WEFT_ENOMEM, "%s: no memory to read it", path);
    if (!s) s = open_member(z, size, name);
    if (s) weft__zip_close(z);
    return s;
}

static weft_status refill(weft__zip *z)
{
    size_t n = z->packed < BUFFER ? (size_t)z->packed : BUFFER;
    if (!n || fread(z->in, 1, n, z->file) != n) return damaged(z, "truncated");
    z->packed -= n;
    z->at = 0;
    z->end = n;
    return WEFT_OK;
}

weft_status weft__zip_read(weft__zip *z, void *to, size_t n)
{
    unsigned char *p = to;
    if (n > z->left) return damaged(z, "a member is too short");
    z->left -= n;
    while (n) {
        size_t used, made = n;
        bool ended = false;
        if (z->at == z->end) {
            weft_status s = refill(z);
            if (s) return s;
        }
        used = z->end - z->at;
        if (z->z) {
            weft_status s =
                weft__inflate_run(z->z, z->in + z->at, &used, p, &made, &ended);
            if (s) return weft__prefix(s, "%s", z->path);
            if (ended && made < n) return damaged(z, "a member is too short");
        } else {
            made = used = used < n ? used : n;
            memcpy(p, z->in + z->at, made);
        }
        z->at += used;
        p += made;
        n -= made;
    }
    return WEFT_OK;
}

void weft__zip_close(weft__zip *z)
{
    if (z->file) fclose(z->file);
    weft__inflate_free(z->z);
    free(z->in);
    *z = (weft__zip){0};
}
