/* vectors.c: rows of pretrained vectors for the tokens of a tokenizer. */
#include "data/text/embeddings/vectors.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include "data/io/stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 1 << 20 };

int weft__vectors_token(weft__vectors *v, const char *word, size_t bytes, int *rank)
{
    int i = weft__string_table_find(&v->k->words, word, bytes);
    *rank = 2;
    if (i < 0) {
        *rank = 1;
        weft__segmenter_set(&v->segmenter, word, bytes);
        if (!weft__segment_next(&v->segmenter)) return -1;
        i = weft__string_table_find(&v->k->words, v->segmenter.token,
                                    v->segmenter.token_bytes);
        if (i < 0 || weft__segment_next(&v->segmenter)) return -1;
    }
    i += WEFT_FIRST_TOKEN;
    return v->rank[i] >= *rank ? -1 : i;
}

float *weft__vectors_row(weft__vectors *v, int token, int rank)
{
    v->found += !v->rank[token];
    v->rank[token] = (char)rank;
    return v->table + (size_t)token * (size_t)v->width;
}

weft_status weft__vectors_width(weft__vectors *v, int64_t width)
{
    if (width < 1 || width > WEFT_MOST_WIDTH)
        return weft__fail(WEFT_EDATA, "%s: vectors of %lld numbers: 1 to %d", v->path,
                          (long long)width, WEFT_MOST_WIDTH);
    if (v->ask) v->width = (int)width;
    if (v->width != width)
        return weft__fail(WEFT_EUSAGE, "%s: vectors of %lld numbers, wanted are %d",
                          v->path, (long long)width, v->width);
    return WEFT_OK;
}

/* ---- word2vec and GloVe text ---- */

/* The line without blanks at its end; false at the end of the file. */
static bool next_line(weft__stream *in, char *line, size_t *n, weft_status *s)
{
    int c = -1;
    *n = 0;
    if (weft__stream_peek(in) < 0) return false;
    while ((c = weft__stream_byte(in)) >= 0 && c != '\n') {
        if (*n == LINE) {
            *s = weft__fail(WEFT_EDATA, "%s:%d: a line of more than %d bytes", in->path,
                            in->line, LINE);
            return false;
        }
        line[(*n)++] = (char)c;
    }
    while (*n && strchr(" \t\r", line[*n - 1]) && line[*n - 1]) --*n;
    return true;
}

static bool is_gap(char c)
{
    return c == ' ' || c == '\t';
}

/* Takes the last field off line[0..*n); it is then field[0..*length). */
static bool last_field(const char *line, size_t *n, const char **field, size_t *length)
{
    size_t end = *n, start;
    while (end && is_gap(line[end - 1])) end--;
    for (start = end; start && !is_gap(line[start - 1]);) start--;
    *field = line + start;
    *length = end - start;
    *n = start;
    return end > start;
}

/* The first line: "COUNT WIDTH" (word2vec: *header), or a word and its numbers. */
static int64_t width_of(const char *line, size_t n, bool *header)
{
    const char *field;
    size_t length;
    int64_t fields = 0;
    double first = 0, second = 0, value;
    bool whole = true;
    while (last_field(line, &n, &field, &length)) {
        fields++;
        whole &= weft__decimal(field, length, &value) && value == floor(value);
        if (!whole) continue;
        second = fields == 1 ? value : second;
        first = value;
    }
    *header =
        fields == 2 && whole && first >= 0 && second >= 1 && second <= WEFT_MOST_WIDTH;
    return *header ? (int64_t)second : fields - 1;
}

/* A word and `width` numbers after it; the word may hold blanks. */
static weft_status read_line(weft__vectors *v, const weft__stream *in, char *line,
                             size_t n, float *row)
{
    int rank, token;
    float *to;
    for (int i = v->width - 1; i >= 0; i--) {
        const char *field;
        size_t length;
        double value;
        if (!last_field(line, &n, &field, &length) ||
            !weft__decimal(field, length, &value) || fabs(value) > 3e38)
            return weft__fail(
                WEFT_EDATA, "%s:%d: looked for a word and %d numbers; number %d is none",
                v->path, in->line - 1, v->width, i + 1);
        row[i] = (float)value;
    }
    while (n && is_gap(line[n - 1])) n--;
    if (!n) return WEFT_OK; /* a blank as a word, or none */
    token = weft__vectors_token(v, line, n, &rank);
    if (token < 0) return WEFT_OK;
    to = weft__vectors_row(v, token, rank);
    memcpy(to, row, (size_t)v->width * sizeof *row);
    return WEFT_OK;
}

static weft_status read_lines(weft__vectors *v, weft__stream *in, char *line)
{
    float *row = NULL;
    bool first = true;
    size_t n;
    weft_status s = WEFT_OK;
    while (!s && next_line(in, line, &n, &s)) {
        bool header = false;
        if (!n) continue;
        if (first) {
            s = weft__vectors_width(v, width_of(line, n, &header));
            if (!s && v->ask) return WEFT_OK;
            if (!s && !(row = weft__alloc((size_t)v->width, sizeof *row)))
                s = weft__fail(WEFT_ENOMEM, "%s: no memory for a vector", v->path);
        }
        if (!s && !header) s = read_line(v, in, line, n, row);
        first = false;
    }
    if (!s) s = in->status;
    if (!s && first) s = weft__fail(WEFT_EDATA, "%s: no vectors in it", v->path);
    free(row);
    return s;
}

static weft_status read_text(weft__vectors *v)
{
    weft__stream in;
    char *line;
    weft_status s = weft__stream_open(&in, v->path);
    if (s) return s;
    line = weft__alloc(LINE + 1, 1);
    s = line ? read_lines(v, &in, line)
             : weft__fail(WEFT_ENOMEM, "%s: no memory to read it", v->path);
    free(line);
    weft__stream_close(&in);
    return s;
}

/* ---- the public face ---- */

static weft_status is_zip(const char *path, bool *zip)
{
    unsigned char head[4] = {0};
    FILE *f;
    weft_status s = weft__file_open(path, &f, NULL);
    if (s) return s;
    *zip = fread(head, 1, 4, f) == 4 && !memcmp(head, "PK\3\4", 4);
    fclose(f);
    return WEFT_OK;
}

weft_status weft_vectors_read(const char *path, const char *words,
                              const weft_tokenizer *k, int *width, float *table,
                              int *found)
{
    weft__vectors v = {.path = path, .k = k, .width = *width, .table = table};
    bool zip = false;
    weft_status s = is_zip(path, &zip);
    v.ask = *width < 0;
    if (!s && !v.ask && (!table || !k))
        s = weft__fail(WEFT_EUSAGE, "no table for the vectors");
    if (!s && zip && !words && !v.ask)
        s = weft__fail(WEFT_EUSAGE,
                       "%s: a file with its pieces is needed too (piece<TAB>row a line)",
                       path);
    if (s) return s;
    if (!v.ask) {
        v.rank = weft__alloc((size_t)weft_tokenizer_size(k, 0) + 1, 1);
        s = v.rank ? weft__segmenter_begin(&v.segmenter, k->granularity, k->keep_case,
                                           k->keep_width)
                   : weft__fail(WEFT_ENOMEM, "%s: no memory to read it", path);
    }
    if (!s) s = zip ? weft__vectors_npz(&v, words) : read_text(&v);
    weft__segmenter_end(&v.segmenter);
    free(v.rank);
    if (s) return s;
    *width = v.width;
    if (found) *found = v.found;
    return WEFT_OK;
}
