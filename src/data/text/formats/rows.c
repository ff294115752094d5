/* rows.c: a text file as rows of fields: what all formats have in common. */
#include "data/text/formats/rows.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEAD = 1 << 16 };

#define TEXT_READER(name) &weft_text_reader_##name,
static const weft__text_reader *const readers[] = {
#include "data/text/formats/table.def"
};
#undef TEXT_READER

enum { READERS = sizeof readers / sizeof *readers };

const weft__text_reader *weft__text_reader_named(const char *name)
{
    for (int i = 0; i < READERS; i++)
        if (!strcmp(readers[i]->name, name)) return readers[i];
    return NULL;
}

/* Is the word text[0..n) in a list separated by spaces? */
static bool is_listed(const char *list, const char *text, size_t n)
{
    while (*list) {
        size_t length = strcspn(list, " ");
        if (length == n && !strncasecmp(list, text, n)) return true;
        list += length;
        list += strspn(list, " ");
    }
    return false;
}

const weft__text_reader *weft__text_reader_by_suffix(const char *path)
{
    const char *name = strrchr(path, '/'), *dot;
    size_t n;
    name = name ? name + 1 : path;
    n = strlen(name);
    if (n > 3 && !strcasecmp(name + n - 3, ".gz")) n -= 3;
    for (dot = name + n; dot > name && dot[-1] != '.';) dot--;
    if (dot == name) return NULL;
    for (int i = 0; i < READERS; i++)
        if (is_listed(readers[i]->suffixes, dot, (size_t)(name + n - dot)))
            return readers[i];
    return NULL;
}

bool weft__head_line(const char **head, size_t *bytes, const char **line, size_t *n)
{
    while (*bytes) {
        const char *end = memchr(*head, '\n', *bytes);
        bool blank = true;
        *line = *head;
        *n = end ? (size_t)(end - *head) : *bytes;
        *head += *n + (end != NULL);
        *bytes -= *n + (end != NULL);
        if (*n && (*line)[*n - 1] == '\r') --*n;
        for (size_t i = 0; blank && i < *n; i++)
            blank = (*line)[i] == ' ' || (*line)[i] == '\t';
        if (!blank) return true;
    }
    return false;
}

/* What the file is packed with that we do not unpack; NULL when nothing. */
static const char *packer_of(const unsigned char *p, size_t n)
{
    if (n >= 6 && !memcmp(p,
                          "\xfd"
                          "7zXZ\0",
                          6))
        return "xz (unxz -k)";
    if (n >= 3 && !memcmp(p, "BZh", 3)) return "bzip2 (bunzip2 -k)";
    if (n >= 4 && !memcmp(p, "\x28\xb5\x2f\xfd", 4)) return "zstd (unzstd)";
    if (n >= 4 && !memcmp(p, "PK\3\4", 4)) return "zip (unzip)";
    return NULL;
}

static weft_status sniff(const char *path, const char *head, size_t n,
                         const weft__text_reader **out)
{
    const char *packer = packer_of((const unsigned char *)head, n);
    if (packer)
        return weft__fail(WEFT_EDATA, "%s: is packed with %s: unpack it first", path,
                          packer);
    if (!n) return weft__fail(WEFT_EDATA, "%s: is empty", path);
    bool binary = memchr(head, 0, n); /* pixels may hold tabs and line ends, too */
    for (int i = 0; i < READERS && !binary; i++)
        if (readers[i]->sniff(head, n)) {
            *out = readers[i];
            return WEFT_OK;
        }
    return weft__fail(WEFT_EDATA,
                      "%s: looked for labelled texts (TSV, CSV, JSONL, \"__label__NAME "
                      "text\" or \"LABEL text\" a line), found none of these",
                      path);
}

weft_status weft__text_reader_of(const char *path, const char *name,
                                 const weft__text_reader **out)
{
    weft__stream in;
    char *head;
    size_t n = 0;
    weft_status s;
    *out = name ? weft__text_reader_named(name) : weft__text_reader_by_suffix(path);
    if (*out) return WEFT_OK;
    if (name)
        return weft__fail(WEFT_EUSAGE,
                          "format \"%s\" of texts: tsv, csv, jsonl, fasttext, space",
                          name);
    s = weft__stream_open(&in, path);
    if (s) return s;
    head = weft__alloc(HEAD + 1, 1);
    for (int c; head && n < HEAD && (c = weft__stream_byte(&in)) >= 0;)
        head[n++] = (char)c;
    if (n == HEAD && memchr(head, '\n', n))
        while (head[n - 1] != '\n') n--;
    s = !head ? weft__fail(WEFT_ENOMEM, "%s: no memory to read it", path) : in.status;
    if (!s) s = sniff(path, head, n, out);
    free(head);
    weft__stream_close(&in);
    return s;
}

weft_status weft__rows_open(weft__rows *r, const weft__text_reader *reader,
                            const char *path, size_t most)
{
    *r = (weft__rows){.reader = reader, .most = most};
    weft_status s = weft__stream_open(&r->in, path);
    if (s) return s;
    s = weft__rows_grow(r); /* so that fields without a byte have a place, too */
    if (s) weft__rows_close(r);
    return s;
}

void weft__rows_close(weft__rows *r)
{
    weft__stream_close(&r->in);
    weft__arena_free(&r->arena);
    free(r->text);
    r->text = NULL;
}

/* A byte order mark within a file: it was put together from several. */
static void drop_mark(weft__rows *r)
{
    weft__field *f = &r->field[0];
    if (f->bytes < 3 || memcmp(r->text + f->at, "\xef\xbb\xbf", 3)) return;
    f->at += 3;
    f->bytes -= 3;
}

weft_status weft__rows_next(weft__rows *r)
{
    weft_status s;
    if (r->again) {
        r->again = false;
        return WEFT_OK;
    }
    r->fields = 0;
    r->used = 0;
    r->replaced = 0;
    r->why[0] = 0;
    s = r->reader->next(r);
    if (!s && r->in.status) s = r->in.status;
    if (s || r->why[0]) r->fields = 0;
    if (r->fields) drop_mark(r);
    return s;
}

weft_status weft__rows_grow(weft__rows *r)
{
    size_t room = r->room ? r->room * 2 : 4096;
    char *p = room > weft__max_memory() ? NULL : realloc(r->text, room);
    if (!p)
        return weft__fail(WEFT_ENOMEM, "%s:%d: no memory for the row", r->in.path,
                          r->line);
    r->text = p;
    r->room = room;
    return WEFT_OK;
}

bool weft__rows_begin(weft__rows *r)
{
    if (r->fields == WEFT_MOST_COLUMNS) {
        weft__rows_bad(r, "more than %d columns", WEFT_MOST_COLUMNS);
        return false;
    }
    r->field[r->fields] = (weft__field){r->used, 0, true, false};
    return true;
}

void weft__rows_bad(weft__rows *r, const char *format, ...)
{
    va_list args;
    if (r->why[0]) return;
    va_start(args, format);
    vsnprintf(r->why, sizeof r->why, format, args);
    va_end(args);
}

/* Blank lines have nothing but blanks; what they begin with is lost, so a line that
 * begins with a blank is looked at no further than to its first other byte. */
bool weft__rows_line(weft__rows *r)
{
    int c;
    while ((c = weft__stream_peek(&r->in)) == '\n' || c == '\r' || c == ' ')
        weft__stream_byte(&r->in);
    r->line = r->in.line;
    return c >= 0;
}
