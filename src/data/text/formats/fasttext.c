/* fasttext.c: reads lines `__label__NAME text`, fastText's own format. */
#include "data/text/formats/rows.h"

#include <string.h>

static const char prefix[] = "__label__";
enum { PREFIX = sizeof prefix - 1 };

static bool sniff(const char *head, size_t bytes)
{
    const char *line;
    size_t n;
    int lines = 0;
    while (weft__head_line(&head, &bytes, &line, &n)) {
        if (n <= PREFIX || memcmp(line, prefix, PREFIX)) return false;
        lines++;
    }
    return lines > 0;
}

static bool is_blank(int c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Puts one word into the field; *c is the byte after it. */
static weft_status word(weft__rows *r, int *c)
{
    while (*c >= 0 && *c != '\n' && !is_blank(*c)) {
        weft_status s = weft__rows_put(r, *c);
        if (s) return s;
        *c = weft__stream_byte(&r->in);
    }
    return WEFT_OK;
}

static bool is_label(const weft__rows *r, const weft__field *f)
{
    return f->bytes >= PREFIX && !memcmp(r->text + f->at, prefix, PREFIX);
}

/* Takes the prefix off field 0. */
static void strip(weft__rows *r)
{
    weft__field *f = &r->field[0];
    if (!is_label(r, f)) {
        weft__rows_bad(r, "does not begin with __label__");
        return;
    }
    f->at += PREFIX;
    f->bytes -= PREFIX;
}

static weft_status next(weft__rows *r)
{
    weft_status s;
    int c;
    if (!weft__rows_line(r)) return WEFT_OK;
    weft__rows_begin(r);
    c = weft__stream_byte(&r->in);
    s = word(r, &c);
    strip(r);
    weft__rows_end(r);
    while (!s && is_blank(c)) c = weft__stream_byte(&r->in);
    weft__rows_begin(r);
    if (!s) s = word(r, &c);
    if (!s && is_label(r, &r->field[1])) weft__rows_bad(r, "has more than one label");
    while (!s && c >= 0 && c != '\n') {
        s = weft__rows_put(r, c);
        c = weft__stream_byte(&r->in);
    }
    weft__rows_end(r);
    return s;
}

const weft__text_reader weft_text_reader_fasttext = {
    .name = "fasttext",
    .suffixes = "",
    .sniff = sniff,
    .fixed = true,
    .next = next,
};
