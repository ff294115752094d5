/* npz.c: vectors from the array "embeddings" of an .npz file (NumPy), with a file
 * of tokens next to it. */
#include "base/checked.h"
#include "base/error.h"
#include "data/io/stream.h"
#include "data/text/embeddings/vectors.h"
#include "data/io/zip.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_HEADER = 65536, MOST_ROWS = 100000000, LINE = 4096 };

/* What the array's header says. */
typedef struct array {
    int64_t rows, width;
    size_t size; /* of a number */
} array;

static weft_status damaged(const char *path, const char *what)
{
    return weft__fail(WEFT_EDATA, "%s: embeddings.npy: %s", path, what);
}

/* What stands after 'KEY': in the header; NULL. */
static const char *value_of(const char *text, const char *key)
{
    const char *p = strstr(text, key);
    if (!p) return NULL;
    p += strlen(key);
    while (*p == ' ' || *p == ':') p++;
    return p;
}

static weft_status parse_header(const char *path, const char *text, array *out)
{
    const char *type = value_of(text, "'descr'");
    const char *order = value_of(text, "'fortran_order'");
    const char *shape = value_of(text, "'shape'");
    char *end;
    if (!type || !order || !shape)
        return damaged(path, "a header without its three facts");
    if (strncmp(order, "False", 5)) return damaged(path, "stored column by column");
    out->size = !strncmp(type, "'<f4'", 5) ? 4 : !strncmp(type, "'<f8'", 5) ? 8 : 0;
    if (!out->size) return damaged(path, "numbers that are not <f4 or <f8");
    if (*shape != '(') return damaged(path, "no shape");
    out->rows = strtoll(shape + 1, &end, 10);
    if (*end != ',') return damaged(path, "a shape that is not (rows, width)");
    shape = end + 1;
    out->width = strtoll(shape, &end, 10);
    if (end == shape || *end != ')')
        return damaged(path, "a shape that is not (rows, width)");
    if (out->rows < 1 || out->rows > MOST_ROWS || out->width < 1 ||
        out->width > WEFT_MOST_WIDTH)
        return damaged(path, "a shape out of range");
    return WEFT_OK;
}

static weft_status read_header(weft__zip *z, array *out)
{
    unsigned char head[12];
    size_t n, more;
    char *text;
    weft_status s = weft__zip_read(z, head, 10);
    if (s) return s;
    if (memcmp(head, "\x93NUMPY", 6)) return damaged(z->path, "not an array");
    more = head[6] > 1 ? 2 : 0;
    if (more && (s = weft__zip_read(z, head + 10, more))) return s;
    n = (size_t)head[8] | (size_t)head[9] << 8;
    if (more) n |= (size_t)head[10] << 16 | (size_t)head[11] << 24;
    if (n > MOST_HEADER) return damaged(z->path, "a header that is too long");
    text = weft__alloc(n + 1, 1);
    if (!text) return weft__fail(WEFT_ENOMEM, "%s: no memory to read it", z->path);
    s = weft__zip_read(z, text, n);
    if (!s) s = parse_header(z->path, text, out);
    free(text);
    if (!s && z->left != (uint64_t)out->rows * (uint64_t)out->width * out->size)
        s = damaged(z->path, "its size is not that of its shape");
    return s;
}

/* A token that wants a row. */
typedef struct want {
    int32_t row, token, rank;
} want;

static int by_row(const void *a, const void *b)
{
    const want *x = a, *y = b;
    if (x->row != y->row) return x->row < y->row ? -1 : 1;
    return (x->token > y->token) - (x->token < y->token);
}

/* One line `token<TAB>row`; *row is -1 where the token is none of ours. */
static weft_status read_word(weft__vectors *v, const weft__stream *in, char *line,
                             size_t n, const array *a, want *out)
{
    size_t tab = n;
    double row;
    while (tab && line[tab - 1] != '\t') tab--;
    if (!tab || !weft__decimal(line + tab, n - tab, &row) || row != floor(row) ||
        row < 0 || row >= (double)a->rows)
        return weft__fail(WEFT_EDATA,
                          "%s:%d: looked for a piece, a tab and a row from 0 to %lld",
                          in->path, in->line - 1, (long long)a->rows - 1);
    out->token = tab > 1 ? weft__vectors_token(v, line, tab - 1, &out->rank) : -1;
    out->row = (int32_t)row;
    return WEFT_OK;
}

/* The lines of the file of tokens; at most one row for a token. */
static weft_status read_words(weft__vectors *v, const char *words, const array *a,
                              want *wants, size_t *count)
{
    weft__stream in;
    char line[LINE];
    size_t n = 0;
    weft_status s = weft__stream_open(&in, words);
    if (s) return s;
    while (!s && weft__stream_peek(&in) >= 0) {
        want w = {0};
        int c;
        n = 0;
        while ((c = weft__stream_byte(&in)) >= 0 && c != '\n')
            if (n < LINE) line[n++] = (char)c;
        if (n == LINE)
            s = weft__fail(WEFT_EDATA, "%s:%d: a line of more than %d bytes", words,
                           in.line - 1, LINE);
        if (n && line[n - 1] == '\r') n--;
        if (s || !n) continue;
        s = read_word(v, &in, line, n, a, &w);
        if (s || w.token < 0) continue;
        if (v->rank[w.token]) { /* a folded word gives way to the word itself */
            for (size_t i = 0; i < *count; i++)
                if (wants[i].token == w.token) wants[i] = w;
        } else {
            wants[(*count)++] = w;
        }
        weft__vectors_row(v, w.token, w.rank);
    }
    if (!s) s = in.status;
    weft__stream_close(&in);
    return s;
}

static double number_at(const unsigned char *p, size_t size)
{
    uint64_t bits = 0;
    uint32_t small;
    float f;
    double d;
    for (size_t i = size; i-- > 0;) bits = bits << 8 | p[i];
    if (size == 8) {
        memcpy(&d, &bits, sizeof d);
        return d;
    }
    small = (uint32_t)bits;
    memcpy(&f, &small, sizeof f);
    return (double)f;
}

static weft_status put_row(weft__vectors *v, const unsigned char *bytes, const array *a,
                           const want *w)
{
    float *to = v->table + (size_t)w->token * (size_t)v->width;
    for (int i = 0; i < v->width; i++) {
        double x = number_at(bytes + (size_t)i * a->size, a->size);
        if (!(fabs(x) < 3e38))
            return weft__fail(WEFT_EDATA, "%s: row %d has a number that is not finite",
                              v->path, (int)w->row);
        to[i] = (float)x;
    }
    return WEFT_OK;
}

static weft_status read_rows(weft__vectors *v, weft__zip *z, const array *a,
                             const want *wants, size_t count)
{
    size_t bytes = (size_t)a->width * a->size, next = 0;
    unsigned char *row = weft__alloc(bytes, 1);
    weft_status s =
        row ? WEFT_OK : weft__fail(WEFT_ENOMEM, "%s: no memory for a row", v->path);
    for (int64_t i = 0; !s && next < count && i < a->rows; i++) {
        s = weft__zip_read(z, row, bytes);
        for (; !s && next < count && wants[next].row == i; next++)
            s = put_row(v, row, a, &wants[next]);
    }
    free(row);
    return s;
}

weft_status weft__vectors_npz(weft__vectors *v, const char *words)
{
    weft__zip z;
    array a = {0};
    want *wants = NULL;
    size_t count = 0;
    weft_status s = weft__zip_open(&z, v->path, "embeddings.npy");
    if (s) return s;
    s = read_header(&z, &a);
    if (!s) s = weft__vectors_width(v, a.width);
    if (!s && !v->ask) {
        wants = weft__alloc((size_t)weft_tokenizer_size(v->k, 0) + 1, sizeof *wants);
        s = wants ? read_words(v, words, &a, wants, &count)
                  : weft__fail(WEFT_ENOMEM, "%s: no memory to read it", v->path);
        if (!s && count) qsort(wants, count, sizeof *wants, by_row);
        if (!s) s = read_rows(v, &z, &a, wants, count);
    }
    free(wants);
    weft__zip_close(&z);
    return s;
}
