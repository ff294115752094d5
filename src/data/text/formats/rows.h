/* rows.h: a text file as rows of fields; what a reader of one text format offers. One
 * reader is one file and one row in table.def. */
#ifndef WEFT_SRC_DATA_TEXT_FORMATS_ROWS_H
#define WEFT_SRC_DATA_TEXT_FORMATS_ROWS_H

#include "data/io/stream.h"

#include "base/arena.h"

enum { WEFT_MOST_COLUMNS = 64 };

typedef struct weft__field {
    size_t at, bytes; /* in weft__rows.text */
    bool there;       /* a JSON object may lack one */
    bool cut;         /* it was longer than weft__rows.most */
} weft__field;

/* A file that is being read, and its present row. */
typedef struct weft__rows {
    const struct weft__text_reader *reader;
    weft__stream in;
    size_t most; /* bytes of a field that are kept */
    char *text;  /* the fields, one after another */
    size_t used, room;
    weft__field field[WEFT_MOST_COLUMNS];
    int fields;    /* of this row; 0 and no why: the end */
    int line;      /* where the row begins */
    bool again;    /* the next row is this one, once more */
    bool reals;    /* JSON: numbers that are not whole are fields, too */
    int replaced;  /* sequences of this row that were not UTF-8 and had to go at once */
    char why[200]; /* not empty: the row cannot be read, this is why */
    int separator; /* of a CSV file; 0 until the first row has been looked at */
    weft__arena arena;
    const char *key[WEFT_MOST_COLUMNS]; /* JSON: names of the fields, as they came up */
    int keys;
} weft__rows;

typedef struct weft__text_reader {
    const char *name;     /* "tsv" */
    const char *suffixes; /* "tsv", or several, separated by spaces; may be "" */
    /* Does the beginning of a file (whole lines; of a large one) look like this? */
    bool (*sniff)(const char *head, size_t bytes);
    bool fixed; /* field 0 is the label, field 1 the text; else a user may say */
    bool named; /* fields have keys (JSON); else the first row may be a header */
    /* The next row. Only what ends the reading is a status. */
    weft_status (*next)(weft__rows *r);
} weft__text_reader;

#define TEXT_READER(name) extern const weft__text_reader weft_text_reader_##name;
#include "data/text/formats/table.def"
#undef TEXT_READER

/* The reader by name (NULL: by what the file is called, then by what is in it).
 * WEFT_EDATA when it looks like none; path is named. */
weft_status weft__text_reader_of(const char *path, const char *name,
                                 const weft__text_reader **out);
const weft__text_reader *weft__text_reader_named(const char *name);
/* By what the file is called alone; NULL. */
const weft__text_reader *weft__text_reader_by_suffix(const char *path);

/* most: bytes of a field. path must outlive it. */
weft_status weft__rows_open(weft__rows *r, const weft__text_reader *reader,
                            const char *path, size_t most);
void weft__rows_close(weft__rows *r);
weft_status weft__rows_next(weft__rows *r);

/* ---- for the readers ---- */

/* Adds one byte to the field that is being written; beyond `most` it is dropped. */
weft_status weft__rows_grow(weft__rows *r);
static inline weft_status weft__rows_put(weft__rows *r, int c)
{
    weft__field *f = &r->field[r->fields];
    if (f->bytes >= r->most) {
        f->cut = true;
        return WEFT_OK;
    }
    if (r->used == r->room) {
        weft_status s = weft__rows_grow(r);
        if (s) return s;
    }
    r->text[r->used++] = (char)c;
    f->bytes++;
    return WEFT_OK;
}

/* Begins a field; false, with r->why, when there are too many. */
bool weft__rows_begin(weft__rows *r);
/* Ends it. */
static inline void weft__rows_end(weft__rows *r)
{
    r->fields++;
}

void weft__rows_bad(weft__rows *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Goes on to the next line that is not blank; false at the end. */
bool weft__rows_line(weft__rows *r);

/* Lines of a head, for sniff: sets line, n to the next one that is not blank. */
bool weft__head_line(const char **head, size_t *bytes, const char **line, size_t *n);

#endif
