/* label_first.c: reads lines `LABEL text`: the first word is the label. */
#include "data/text/formats/rows.h"

#include <string.h>

enum { MOST_KINDS = 256 };

typedef struct word {
    const char *text;
    size_t bytes;
} word;

/* Adds w to the list unless it is there. */
static int add(word *list, int n, word w)
{
    for (int i = 0; i < n; i++)
        if (list[i].bytes == w.bytes && !memcmp(list[i].text, w.text, w.bytes)) return n;
    if (n < MOST_KINDS) list[n] = w;
    return n + 1;
}

/* Every line has two words or more, and few different ones come first. */
static bool sniff(const char *head, size_t bytes)
{
    word seen[MOST_KINDS];
    const char *line;
    size_t n;
    int lines = 0, kinds = 0;
    if (memchr(head, 0, bytes)) return false;
    while (weft__head_line(&head, &bytes, &line, &n)) {
        const char *space = memchr(line, ' ', n);
        if (!space || space == line) return false;
        kinds = add(seen, kinds, (word){line, (size_t)(space - line)});
        if (kinds > MOST_KINDS) return false;
        lines++;
    }
    return lines > 1 && (kinds <= 2 || kinds * 3 <= lines);
}

static bool is_blank(int c)
{
    return c == ' ' || c == '\t';
}

static weft_status next(weft__rows *r)
{
    weft_status s = WEFT_OK;
    int c;
    if (!weft__rows_line(r)) return WEFT_OK;
    weft__rows_begin(r);
    while (!s && (c = weft__stream_byte(&r->in)) >= 0 && c != '\n' && !is_blank(c))
        s = weft__rows_put(r, c);
    weft__rows_end(r);
    weft__rows_begin(r);
    while (!s && c >= 0 && c != '\n' && (c = weft__stream_byte(&r->in)) >= 0 && c != '\n')
        s = weft__rows_put(r, c);
    weft__rows_end(r);
    return s;
}

const weft__text_reader weft_text_reader_space = {
    .name = "space",
    .suffixes = "",
    .sniff = sniff,
    .fixed = true,
    .next = next,
};
