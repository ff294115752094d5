/* csv.c: reads comma-separated rows (RFC 4180): a field in quotes may hold commas,
 * line ends and doubled quotes. What stands between the columns is told by a first line
 * "sep=;" (of Excel), or is the one of comma, tab, semicolon and bar that the first rows
 * have equally often. */
#include "data/text/formats/rows.h"

#include <string.h>

static bool sniff(const char *head, size_t bytes)
{
    (void)head, (void)bytes;
    return false; /* commas stand in any text: only by name */
}

enum { ROWS = 64 };

/* Counts c in the rows that are in the buffer, outside of quotes; how many rows. The last
 * row counts only when it is the only one, since it may be cut. *prose: how many stand
 * before a blank, as commas in a text do. */
static int count(const weft__stream *in, char c, int *times, int *prose)
{
    bool quoted = false;
    int n = 0;
    times[0] = *prose = 0;
    for (size_t i = in->at; i < in->end && n < ROWS; i++) {
        char here = (char)in->data[i];
        if (here == '"') quoted = !quoted;
        if (quoted) continue;
        times[n] += here == c;
        *prose += here == c && i + 1 < in->end && in->data[i + 1] == ' ';
        if (here == '\n' && ++n < ROWS) times[n] = 0;
    }
    return n ? n : 1;
}

/* How many of n rows have as many as most rows do; 0 when most have none. */
static int agreement(const int *times, int n)
{
    int most = 0;
    for (int i = 0; i < n; i++) {
        int same = 0;
        for (int k = 0; k < n && times[i]; k++) same += times[k] == times[i];
        if (same > most) most = same;
    }
    return most;
}

static int separator_of(const weft__stream *in)
{
    static const char likely[] = {',', '\t', ';', '|'};
    int times[ROWS], best = 0, best_prose = 0, separator = ',';
    for (size_t i = 0; i < sizeof likely; i++) {
        int prose, n = count(in, likely[i], times, &prose), agree = agreement(times, n);
        if (agree > best || (agree && agree == best && prose < best_prose)) {
            best = agree;
            best_prose = prose;
            separator = likely[i];
        }
    }
    return separator;
}

/* A first line "sep=X" says it. */
static int told(weft__stream *in)
{
    static const char word[] = {'s', 'e', 'p', '='};
    const unsigned char *p = in->data + in->at;
    size_t n = in->end - in->at;
    if (n < 6 || memcmp(p, word, 4) || p[4] == '\r' || p[4] == '\n') return 0;
    if (p[5] != '\n' && p[5] != '\r') return 0;
    weft__stream_skip_line(in);
    return p[4];
}

/* The rest of a field after its opening quote, up to the closing one. */
static weft_status quoted(weft__rows *r)
{
    int c;
    while ((c = weft__stream_byte(&r->in)) >= 0) {
        weft_status s;
        if (c == '"') {
            if (weft__stream_peek(&r->in) != '"') return WEFT_OK;
            weft__stream_byte(&r->in);
        }
        s = weft__rows_put(r, c);
        if (s) return s;
    }
    weft__rows_bad(r, "a quote that is not closed");
    return WEFT_OK;
}

/* One field, and the byte after it. */
static weft_status field(weft__rows *r, int *end)
{
    int c;
    weft_status s;
    if (weft__stream_peek(&r->in) == '"') {
        weft__stream_byte(&r->in);
        s = quoted(r);
        c = weft__stream_byte(&r->in);
        while (!s && (c == '\r' || c == ' ')) c = weft__stream_byte(&r->in);
        if (!s && c >= 0 && c != '\n' && c != r->separator)
            weft__rows_bad(r, "text after a closing quote (a quote inside is doubled)");
        *end = c;
        return s;
    }
    while ((c = weft__stream_byte(&r->in)) >= 0 && c != '\n' && c != r->separator) {
        s = weft__rows_put(r, c);
        if (s) return s;
    }
    *end = c;
    return WEFT_OK;
}

static weft_status next(weft__rows *r)
{
    int end;
    if (!weft__rows_line(r)) return WEFT_OK;
    if (r->in.line == 1) {
        int c = told(&r->in);
        if (c && !r->separator) r->separator = c;
        if (c && !weft__rows_line(r)) return WEFT_OK;
    }
    if (!r->separator) r->separator = separator_of(&r->in);
    do {
        weft_status s;
        if (!weft__rows_begin(r)) {
            weft__stream_skip_line(&r->in);
            return WEFT_OK;
        }
        s = field(r, &end);
        if (s) return s;
        if (r->why[0]) {
            if (end != '\n') weft__stream_skip_line(&r->in);
            return WEFT_OK;
        }
        weft__rows_end(r);
    } while (end == r->separator);
    return WEFT_OK;
}

const weft__text_reader weft_text_reader_csv = {
    .name = "csv",
    .suffixes = "csv",
    .sniff = sniff,
    .next = next,
};
