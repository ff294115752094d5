/* checkpoint.c: training state in one file that notices every damage.
 *
 * The layout is that of safetensors, so other tools can look inside. On top of it:
 *   - metadata "weft.checkpoint": the version of the format, "1";
 *   - metadata "weft.crc32": one CRC-32 (8 hex digits) per tensor, in order;
 *   - the last tensor, "weft.header.sha256" (U8 [32]): SHA-256 of length and header.
 * So the header's checksum covers the tensors' checksums, and every byte is covered
 * once. Later versions keep the last 32 bytes, so an older reader can say what it
 * found. */
#include "store/checkpoint.h"

#include "base/checked.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "store/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSION_KEY "weft.checkpoint"
#define CRC_KEY "weft.crc32"
#define SEAL "weft.header.sha256"
static const char VERSION[] = "1";
enum { SEAL_BYTES = 32 };

typedef struct section {
    char *name;
    weft_shape shape;
    size_t count;
    const float *data;
} section;

struct weft__checkpoint {
    weft_meta *meta;
    section *section;
    int count, room;
    float *read; /* all tensors of a file that was read */
};

weft__checkpoint *weft__checkpoint_new(void)
{
    weft__checkpoint *c = calloc(1, sizeof *c);
    if (c && !(c->meta = weft_meta_new())) {
        free(c);
        return NULL;
    }
    return c;
}

void weft__checkpoint_free(weft__checkpoint *c)
{
    if (!c) return;
    for (int i = 0; i < c->count; i++) free(c->section[i].name);
    free(c->section);
    free(c->read);
    weft_meta_free(c->meta);
    free(c);
}

weft_meta *weft__checkpoint_meta(weft__checkpoint *c)
{
    return c->meta;
}

static section *section_new(weft__checkpoint *c, const char *name)
{
    if (c->count == c->room) {
        int room = c->room ? c->room * 2 : 32;
        section *more = realloc(c->section, (size_t)room * sizeof *more);
        if (!more) return NULL;
        c->section = more;
        c->room = room;
    }
    section *s = &c->section[c->count];
    *s = (section){.name = strdup(name)};
    if (!s->name) return NULL;
    c->count++;
    return s;
}

weft_status weft__checkpoint_put(weft__checkpoint *c, const char *name, weft_shape shape,
                                 const float *data, size_t count)
{
    size_t expected;
    if (!*name || !strncmp(name, "weft.header.", 12) || !strcmp(name, "__metadata__"))
        return weft__fail(WEFT_EBUG, "checkpoint: \"%s\" is no name for a tensor", name);
    if (shape.rank < 0 || shape.rank > WEFT_MAX_RANK ||
        !weft__count(shape.dim, shape.rank, &expected) || expected != count)
        return weft__fail(WEFT_EBUG, "checkpoint: %s has %zu elements, not its shape's",
                          name, count);
    section *s = section_new(c, name);
    if (!s) return weft__fail(WEFT_ENOMEM, "checkpoint: out of memory");
    s->shape = shape;
    s->count = count;
    s->data = data;
    return WEFT_OK;
}

const float *weft__checkpoint_get(const weft__checkpoint *c, const char *name,
                                  size_t count)
{
    for (int i = 0; i < c->count; i++)
        if (!strcmp(c->section[i].name, name))
            return c->section[i].count == count ? c->section[i].data : NULL;
    return NULL;
}

int weft__checkpoint_count(const weft__checkpoint *c)
{
    return c->count;
}

const char *weft__checkpoint_name(const weft__checkpoint *c, int i, weft_shape *shape)
{
    if (i < 0 || i >= c->count) return NULL;
    if (shape) *shape = c->section[i].shape;
    return c->section[i].name;
}

/* ---- numbers as they lie in the file ---- */

static bool little_endian(void)
{
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 1;
}

static void swap_if_needed(unsigned char *p, size_t bytes)
{
    if (little_endian()) return;
    for (size_t i = 0; i + 4 <= bytes; i += 4) {
        unsigned char a = p[i], b = p[i + 1];
        p[i] = p[i + 3];
        p[i + 1] = p[i + 2];
        p[i + 2] = b;
        p[i + 3] = a;
    }
}

/* Hands floats on in the file's byte order, piece by piece. */
static void each_piece(const float *data, size_t count, weft__writer *w, uint32_t *crc)
{
    enum { PIECE = 4096 };
    float piece[PIECE];
    if (little_endian()) {
        if (w) weft__writer_put(w, data, count * sizeof *data);
        if (crc) *crc = weft__crc32(*crc, data, count * sizeof *data);
        return;
    }
    for (size_t at = 0; at < count; at += PIECE) {
        size_t n = count - at < PIECE ? count - at : PIECE;
        memcpy(piece, data + at, n * sizeof *piece);
        swap_if_needed((unsigned char *)piece, n * sizeof *piece);
        if (w) weft__writer_put(w, piece, n * sizeof *piece);
        if (crc) *crc = weft__crc32(*crc, piece, n * sizeof *piece);
    }
}

/* ---- writing ---- */

/* The facts with version and checksums; NULL with a message. */
static weft_meta *sealed_meta(const weft__checkpoint *c)
{
    weft_meta *m = weft_meta_new();
    char *crcs = malloc((size_t)c->count * 8 + 1);
    weft_status s =
        m && crcs ? WEFT_OK : weft__fail(WEFT_ENOMEM, "checkpoint: out of memory");
    if (crcs) *crcs = 0;
    for (int i = 0; i < c->count && !s; i++) {
        uint32_t crc = 0;
        each_piece(c->section[i].data, c->section[i].count, NULL, &crc);
        snprintf(crcs + (size_t)i * 8, 9, "%08x", (unsigned)crc);
    }
    if (!s) s = weft_meta_set(m, VERSION_KEY, VERSION);
    if (!s) s = weft_meta_set(m, CRC_KEY, crcs);
    for (int i = 0; i < weft_meta_count(c->meta) && !s; i++) {
        const char *key = weft_meta_key(c->meta, i);
        if (strcmp(key, VERSION_KEY) && strcmp(key, CRC_KEY))
            s = weft_meta_set(m, key, weft_meta_get(c->meta, key));
    }
    free(crcs);
    if (!s) return m;
    weft_meta_free(m);
    return NULL;
}

static weft_status make_header(const weft__checkpoint *c, unsigned char **text,
                               size_t *bytes)
{
    weft_meta *meta = sealed_meta(c);
    weft__st_entry *e = calloc((size_t)c->count + 1, sizeof *e);
    weft_status s = WEFT_OK;
    if (!meta || !e) {
        weft_meta_free(meta);
        free(e);
        return meta ? weft__fail(WEFT_ENOMEM, "checkpoint: out of memory") : WEFT_ENOMEM;
    }
    for (int i = 0; i < c->count; i++) {
        e[i] = (weft__st_entry){
            .name = c->section[i].name, .type = "F32", .rank = c->section[i].shape.rank};
        for (int k = 0; k < e[i].rank; k++) e[i].dim[k] = c->section[i].shape.dim[k];
    }
    e[c->count] =
        (weft__st_entry){.name = SEAL, .type = "U8", .rank = 1, .dim = {SEAL_BYTES}};
    s = weft__st_header(meta, e, c->count + 1, text, bytes);
    weft_meta_free(meta);
    free(e);
    return s;
}

static void sha256(const void *data, size_t bytes, unsigned char digest[SEAL_BYTES])
{
    weft__sha256 h;
    weft__sha256_start(&h);
    weft__sha256_add(&h, data, bytes);
    weft__sha256_end(&h, digest);
}

static weft_status write_whole(const weft__checkpoint *c, const char *path)
{
    unsigned char *header, seal[SEAL_BYTES];
    size_t bytes;
    weft__writer w;
    weft_status s = make_header(c, &header, &bytes);
    if (s) return s;
    s = weft__writer_open(&w, path);
    if (!s) {
        sha256(header, bytes, seal);
        weft__writer_put(&w, header, bytes);
        for (int i = 0; i < c->count; i++)
            each_piece(c->section[i].data, c->section[i].count, &w, NULL);
        weft__writer_put(&w, seal, sizeof seal);
        s = weft__writer_commit(&w);
    }
    free(header);
    return s;
}

/* ---- generations ---- */

static char *with_end(const char *path, const char *end)
{
    char *p = malloc(strlen(path) + strlen(end) + 1);
    if (p) strcat(strcpy(p, path), end);
    return p;
}

/* Whether length, header and size of the file are as they were written: cheap, and
 * enough not to let a file that was cut off push out a good one. */
static bool looks_whole(const char *path)
{
    unsigned char length[8], seal[SEAL_BYTES], digest[SEAL_BYTES], *header = NULL;
    uint64_t size, n = 0;
    FILE *f;
    bool ok = false;
    weft__st_file st = {0};
    if (weft__file_open(path, &f, &size)) return false;
    if (fread(length, 1, 8, f) == 8) {
        for (int i = 0; i < 8; i++) n |= (uint64_t)length[i] << (8 * i);
        if (n <= WEFT_ST_HEADER_MAX && n + 8 + SEAL_BYTES <= size)
            header = malloc((size_t)n + 8);
    }
    if (header) {
        memcpy(header, length, 8);
        ok = fread(header + 8, 1, (size_t)n, f) == n &&
             !fseek(f, -SEAL_BYTES, SEEK_END) &&
             fread(seal, 1, SEAL_BYTES, f) == SEAL_BYTES;
        sha256(header, (size_t)n + 8, digest);
        ok = ok && !memcmp(seal, digest, SEAL_BYTES) &&
             !weft__st_parse(header, (size_t)n + 8, size, &st);
    }
    weft__st_free(&st);
    free(header);
    fclose(f);
    return ok;
}

/* What is at path gets the name `previous` as well, or, where a file cannot have two
 * names, instead. At every moment one of the two is a whole file. */
static weft_status keep_previous(const char *path, const char *previous)
{
    struct stat st;
    if (lstat(path, &st) || !looks_whole(path)) return WEFT_OK;
    char *link_name = with_end(previous, ".new");
    if (!link_name) return weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    unlink(link_name);
    bool linked = !link(path, link_name) && !rename(link_name, previous);
    unlink(link_name); /* rename leaves it when both are the same file already */
    free(link_name);
    if (!linked && rename(path, previous))
        return weft__fail_errno(WEFT_EIO, errno, "%s: cannot keep it as %s", path,
                                previous);
    return WEFT_OK;
}

static weft_status sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir =
        slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    if (!dir) return weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;
    free(dir);
    if (fd < 0) return WEFT_OK; /* may be entered, not read: the renames stand anyway */
    if (fsync(fd)) err = errno;
    close(fd);
    if (!err || err == EINVAL || err == ENOTSUP) return WEFT_OK;
    return weft__fail_errno(WEFT_EIO, err, "%s: cannot save its folder", path);
}

/* First the new file, whole and on disk, under a third name; only then are names moved.
 * So a full disk changes nothing, and whenever the process ends, one of path and
 * path.previous is the last good checkpoint. */
weft_status weft__checkpoint_write(const weft__checkpoint *c, const char *path)
{
    char *fresh = with_end(path, ".new"), *previous = with_end(path, ".previous");
    struct stat st;
    weft_status s = WEFT_OK;
    if (!fresh || !previous) s = weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    if (!s && !stat(path, &st) && !S_ISREG(st.st_mode))
        s = weft__fail(WEFT_EIO, "%s: cannot write: not a regular file", path);
    if (!s) s = write_whole(c, fresh);
    if (!s) s = keep_previous(path, previous);
    if (!s && rename(fresh, path))
        s = weft__fail_errno(WEFT_EIO, errno, "%s: cannot save", path);
    if (s && fresh && s != WEFT_ENOMEM) unlink(fresh);
    if (!s) s = sync_folder(path);
    free(fresh);
    free(previous);
    return s;
}

/* ---- reading ---- */

static weft_status mismatch(const char *section_name)
{
    return weft__fail(WEFT_EMODEL, "checksum mismatch in section %s", section_name);
}

/* The header's own checksum, which lies in the last bytes of the file. */
static weft_status check_seal(const unsigned char *data, size_t bytes)
{
    unsigned char digest[SEAL_BYTES];
    uint64_t length = 0;
    if (!bytes) return weft__fail(WEFT_EMODEL, "the file is empty");
    for (int i = 0; i < 8 && bytes >= 8; i++) length |= (uint64_t)data[i] << (8 * i);
    if (bytes < 8 + SEAL_BYTES || length > bytes - 8 - SEAL_BYTES)
        return weft__fail(WEFT_EMODEL,
                          "checksum mismatch in section header: %llu bytes in a "
                          "file of %zu: truncated, or not a checkpoint",
                          (unsigned long long)length, bytes);
    sha256(data, (size_t)length + 8, digest);
    return memcmp(digest, data + bytes - SEAL_BYTES, SEAL_BYTES) ? mismatch("header")
                                                                 : WEFT_OK;
}

static weft_status check_version(const weft__st_file *f)
{
    const char *version = weft_meta_get(f->meta, VERSION_KEY);
    if (!version) return weft__fail(WEFT_EMODEL, "not a checkpoint of weft");
    if (strcmp(version, VERSION))
        return weft__fail(WEFT_EMODEL,
                          "written by version %.40s of the format, this is %s", version,
                          VERSION);
    return WEFT_OK;
}

static weft_status check_sections(const weft__st_file *f, const unsigned char *data)
{
    const char *crcs = weft_meta_get(f->meta, CRC_KEY);
    int tensors = f->count - 1;
    if (tensors < 0 || strcmp(f->entry[tensors].name, SEAL) || !crcs ||
        strlen(crcs) != (size_t)tensors * 8)
        return weft__fail(WEFT_EMODEL,
                          "section header: the checksums do not fit the sections");
    if (f->data % sizeof(float))
        return weft__fail(WEFT_EMODEL, "section header: %zu bytes, not a multiple of 4",
                          f->data);
    for (int i = 0; i < tensors; i++) {
        const weft__st_entry *e = &f->entry[i];
        char text[9];
        if (strcmp(e->type, "F32"))
            return weft__fail(WEFT_EMODEL, "section %s: type %s, must be F32", e->name,
                              e->type);
        snprintf(text, sizeof text, "%08x",
                 (unsigned)weft__crc32(0, data + f->data + e->begin, e->end - e->begin));
        if (memcmp(text, crcs + (size_t)i * 8, 8)) return mismatch(e->name);
    }
    return WEFT_OK;
}

static weft_status take_meta(weft__checkpoint *c, const weft__st_file *f)
{
    weft_status s = WEFT_OK;
    for (int i = 0; i < weft_meta_count(f->meta) && !s; i++) {
        const char *key = weft_meta_key(f->meta, i);
        if (strcmp(key, VERSION_KEY) && strcmp(key, CRC_KEY))
            s = weft_meta_set(c->meta, key, weft_meta_get(f->meta, key));
    }
    return s;
}

static weft_status take_sections(weft__checkpoint *c, const weft__st_file *f,
                                 const unsigned char *data)
{
    size_t bytes = f->count > 1 ? (size_t)f->entry[f->count - 2].end : 0;
    c->read = weft__alloc(bytes + 1, 1);
    if (!c->read) return weft__fail(WEFT_ENOMEM, "no memory for %zu bytes", bytes);
    memcpy(c->read, data + f->data, bytes);
    swap_if_needed((unsigned char *)c->read, bytes);
    for (int i = 0; i < f->count - 1; i++) {
        const weft__st_entry *e = &f->entry[i];
        section *s = section_new(c, e->name);
        if (!s) return weft__fail(WEFT_ENOMEM, "checkpoint: out of memory");
        s->shape.rank = e->rank;
        for (int k = 0; k < e->rank; k++) {
            if (e->dim[k] > INT32_MAX)
                return weft__fail(WEFT_EMODEL, "section %s: dimension %d is %lld",
                                  e->name, k, (long long)e->dim[k]);
            s->shape.dim[k] = (int)e->dim[k];
        }
        s->count = (size_t)(e->end - e->begin) / sizeof(float);
        s->data = c->read + e->begin / sizeof(float);
    }
    return WEFT_OK;
}

weft_status weft__checkpoint_parse(const void *data, size_t bytes, weft__checkpoint **out)
{
    weft__st_file f = {0};
    weft__checkpoint *c = NULL;
    weft_status s = check_seal(data, bytes);
    if (!s) s = weft__st_parse(data, bytes, bytes, &f);
    if (!s) s = check_version(&f);
    if (!s) s = check_sections(&f, data);
    if (!s && !(c = weft__checkpoint_new()))
        s = weft__fail(WEFT_ENOMEM, "checkpoint: out of memory");
    if (!s) s = take_meta(c, &f);
    if (!s) s = take_sections(c, &f, data);
    weft__st_free(&f);
    if (s)
        weft__checkpoint_free(c);
    else
        *out = c;
    return s;
}

static weft_status read_one(const char *path, weft__checkpoint **out)
{
    unsigned char *data;
    size_t bytes;
    weft_status s = weft__file_read(path, weft__max_memory(), &data, &bytes);
    if (s) return s;
    s = weft__checkpoint_parse(data, bytes, out);
    free(data);
    return s ? weft__prefix(s, "%s", path) : WEFT_OK;
}

weft_status weft__checkpoint_read(const char *path, weft__checkpoint **out)
{
    weft_status s = read_one(path, out);
    if (!s || s == WEFT_ENOMEM) return s;
    char first[1024];
    snprintf(first, sizeof first, "%s", weft_last_error());
    char *previous = with_end(path, ".previous");
    if (!previous) return weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    if (weft__is_file(previous) && !read_one(previous, out)) {
        weft__warn("%s; going on with the generation before, %s", first, previous);
        s = WEFT_OK;
    } else {
        weft__fail(s, "%s", first); /* what is wrong with the one that was asked for */
    }
    free(previous);
    return s;
}
