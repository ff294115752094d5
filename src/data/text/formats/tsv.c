/* tsv.c: reads tab-separated rows; no quoting, every line is a row. */
#include "data/text/formats/rows.h"

#include <string.h>

/* Every line has the same number of tabs, at least one. */
static bool sniff(const char *head, size_t bytes)
{
    const char *line;
    size_t n, tabs = 0;
    while (weft__head_line(&head, &bytes, &line, &n)) {
        size_t here = 0;
        for (size_t i = 0; i < n; i++) here += line[i] == '\t';
        if (!here || (tabs && here != tabs)) return false;
        tabs = here;
    }
    return tabs > 0;
}

static weft_status next(weft__rows *r)
{
    int c;
    if (!weft__rows_line(r)) return WEFT_OK;
    weft__rows_begin(r);
    while ((c = weft__stream_byte(&r->in)) >= 0 && c != '\n') {
        if (c == '\t') {
            weft__rows_end(r);
            if (!weft__rows_begin(r)) {
                weft__stream_skip_line(&r->in);
                return WEFT_OK;
            }
        } else {
            weft_status s = weft__rows_put(r, c);
            if (s) return s;
        }
    }
    weft__rows_end(r);
    return WEFT_OK;
}

const weft__text_reader weft_text_reader_tsv = {
    .name = "tsv",
    .suffixes = "tsv tab",
    .sniff = sniff,
    .next = next,
};
