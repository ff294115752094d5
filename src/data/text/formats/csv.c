/* csv.c: reads comma-separated rows (RFC 4180): a field in quotes may hold commas,
 * line ends and doubled quotes. A file whose first line has semicolons or tabs and
 * no comma is separated by those. */
#include "data/text/formats/rows.h"

#include <string.h>

static bool sniff(const char *head, size_t bytes)
{
    (void)head, (void)bytes;
    return false; /* commas stand in any text: only by name */
}

/* The first line tells; it is in the buffer, or the guess is a comma. */
static int separator_of(const weft__stream *in)
{
    size_t count[3] = {0};
    bool quoted = false;
    for (size_t i = in->at; i < in->end && (quoted || in->data[i] != '\n'); i++) {
        unsigned char c = in->data[i];
        if (c == '"') quoted = !quoted;
        if (quoted) continue;
        count[0] += c == ',';
        count[1] += c == ';';
        count[2] += c == '\t';
    }
    return count[0] ? ',' : count[1] ? ';' : count[2] ? '\t' : ',';
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
