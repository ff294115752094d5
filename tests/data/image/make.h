/* make.h: small files for the data room's tests, made by hand where they must be
 * odd. */
#ifndef WEFT_TEST_DATA_MAKE_H
#define WEFT_TEST_DATA_MAKE_H

#include "test.h"

#include "base/hash.h"
#include "weft/dataset.h"

#include <sys/resource.h>

/* The sets here are small and odd on purpose: no warnings in the test's output. */
__attribute__((constructor)) static inline void be_quiet(void)
{
    weft_set_quiet(2);
}

/* A growing file in memory. */
typedef struct bytes {
    unsigned char *data;
    size_t size, room;
} bytes;

static inline void put(bytes *b, const void *data, size_t n)
{
    if (b->size + n >= b->room) {
        b->room = 2 * (b->size + n) + 64;
        b->data = realloc(b->data, b->room);
        CHECK(b->data != NULL);
    }
    if (data && n) memcpy(b->data + b->size, data, n);
    b->size += n;
}

static inline void put_byte(bytes *b, int v)
{
    unsigned char c = (unsigned char)v;
    put(b, &c, 1);
}

static inline void put_be32(bytes *b, uint32_t v)
{
    for (int i = 24; i >= 0; i -= 8) put_byte(b, (int)(v >> i & 255));
}

static inline void drop(bytes *b)
{
    free(b->data);
    *b = (bytes){0};
}

static inline void save(const char *path, bytes *b)
{
    test_write(path, b->data ? (const void *)b->data : "", b->size);
    drop(b);
}

/* ---- PNG, without libpng: any colour type and depth ---- */

static inline void png_chunk(bytes *b, const char *type, const void *data, size_t n)
{
    size_t at = b->size + 4;
    put_be32(b, (uint32_t)n);
    put(b, type, 4);
    put(b, data, n);
    put_be32(b, weft__crc32(0, b->data + at, n + 4));
}

static inline void png_header(bytes *b, uint32_t w, uint32_t h, int depth, int type)
{
    bytes head = {0};
    put(b, "\x89PNG\r\n\x1a\n", 8);
    put_be32(&head, w);
    put_be32(&head, h);
    put_byte(&head, depth);
    put_byte(&head, type);
    put(&head, "\0\0\0", 3);
    png_chunk(b, "IHDR", head.data, head.size);
    drop(&head);
}

/* IDAT of rows (each `row` bytes, filter 0) in one stored deflate block, then IEND. */
static inline void png_rows(bytes *b, const void *rows, size_t row, size_t h)
{
    bytes raw = {0}, z = {0};
    uint32_t s1 = 1, s2 = 0;
    for (size_t y = 0; y < h; y++) {
        put_byte(&raw, 0);
        put(&raw, (const unsigned char *)rows + y * row, row);
    }
    put(&z, "\x78\x01\x01", 3);
    put_byte(&z, (int)(raw.size & 255));
    put_byte(&z, (int)(raw.size >> 8));
    put_byte(&z, (int)(~raw.size & 255));
    put_byte(&z, (int)(~raw.size >> 8 & 255));
    put(&z, raw.data, raw.size);
    for (size_t i = 0; i < raw.size; i++) {
        s1 = (s1 + raw.data[i]) % 65521;
        s2 = (s2 + s1) % 65521;
    }
    put_be32(&z, s2 << 16 | s1);
    png_chunk(b, "IDAT", z.data, z.size);
    png_chunk(b, "IEND", "", 0);
    drop(&raw);
    drop(&z);
}

/* ---- others ---- */

/* A PPM (c 3) or PGM (c 1) whose pixels are all v, with the first value `first`. */
static inline void write_pnm(const char *path, int c, int h, int w, int first, int v)
{
    bytes b = {0};
    char head[64];
    snprintf(head, sizeof head, "P%d\n%d %d\n255\n", c == 1 ? 5 : 6, w, h);
    put(&b, head, strlen(head));
    for (int i = 0; i < c * h * w; i++) put_byte(&b, i ? v : first);
    save(path, &b);
}

/* An IDX file of unsigned bytes; data may be NULL for zeros. */
static inline void make_idx(bytes *b, int dims, const int *dim, const unsigned char *data)
{
    size_t n = 1;
    put(b, "\0\0\x08", 3);
    put_byte(b, dims);
    for (int i = 0; i < dims; i++) put_be32(b, (uint32_t)dim[i]), n *= (size_t)dim[i];
    for (size_t i = 0; i < n; i++) put_byte(b, data ? data[i] : 0);
}

/* A copy of text that lives until the program ends. */
static inline const char *keep(const char *text)
{
    static char *kept[4096];
    static int n;
    CHECK(n < 4096);
    kept[n] = strdup(text);
    CHECK(kept[n] != NULL);
    return kept[n++];
}

/* From now on this process gets no more address space. Sanitizers need far more,
 * so with them nothing is limited. */
static inline void limit_memory(size_t most)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    !defined(__has_feature)
    struct rlimit limit = {(rlim_t)most, (rlim_t)most};
    setrlimit(RLIMIT_AS, &limit);
#else
    (void)most;
#endif
}

/* A fresh folder below the test's own. */
static inline const char *make_folder(const char *name)
{
    const char *path = keep(test_path(name));
    CHECK(weft__make_folders(path) == WEFT_OK);
    return path;
}

/* n different grey pictures of one class: FOLDER/CLASS/00.pgm ... */
static inline void make_class(const char *folder, const char *name, int n, int side)
{
    static int serial;
    char path[2048];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    CHECK(weft__make_folders(path) == WEFT_OK);
    for (int i = 0; i < n; i++, serial++) {
        snprintf(path, sizeof path, "%s/%s/%02d.pgm", folder, name, i);
        write_pnm(path, 1, side, side, serial % 251, serial / 251);
    }
}

/* What a lint found: "code code ...". */
static char lint_codes[1024];
static char lint_text[1024]; /* of the last finding with the wanted code */
static const char *lint_wanted = "";

static inline void lint_found(void *user, const weft_finding *f)
{
    (void)user;
    strncat(lint_codes, f->code, sizeof lint_codes - strlen(lint_codes) - 2);
    strcat(lint_codes, " ");
    if (!strcmp(f->code, lint_wanted))
        snprintf(lint_text, sizeof lint_text, "%s", f->text);
}

static inline const char *lint(const char *path, const weft_dataset_opts *o)
{
    *lint_codes = *lint_text = 0;
    CHECK(weft_dataset_check(path, o, lint_found, NULL) == WEFT_OK);
    return lint_codes;
}

#endif
