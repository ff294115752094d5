/* text_columns.c: which column holds the label and which the text, by name or by
 * what is in them. */
#include "data/text/text_dataset.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/nearest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LOOK_AT = 100000, MANY = 16384, LITTLE = 20, NAME = 64 };

/* What is known of one column, the first row left out. */
typedef struct column {
    uint64_t *seen; /* digests of values; a power of two of slots, half at most taken */
    size_t slots;
    int kinds;           /* different values, MANY when that or more */
    uint64_t first;      /* the first row's */
    bool first_again;    /* some other row has the same */
    int rows, whole;     /* with a value; whole numbers among them */
    int filled, numbers; /* not empty; numbers of any kind among them */
    float last;          /* number, for: */
    int steps;           /* numbers that are the one before and 1 */
    int dates;           /* days, with a time or without */
    double bytes;        /* sum of lengths */
    char name[NAME]; /* the first row's value, or the key; "" when too long for a name */
    bool first_whole, first_number;
} column;

typedef struct look {
    column column[WEFT_MOST_COLUMNS];
    int columns, rows; /* rows after the first */
} look;

static const char *const label_names[] = {
    "label",
    "labels",
    "class",
    "category",
    "target",
    "sentiment",
    "polarity",
    "intent",
    "topic",
    "emotion",
    "y",
    "cat",
    "stars",
    "rating",
    "score",
    "\xe6\xa0\x87\xe7\xad\xbe", /* biao qian, "label" */
    "\xe7\xb1\xbb\xe5\x88\xab" /* lei bie, "class" */};
static const char *const text_names[] = {"text",    "sentence", "review",
                                         "content", "comment",  "question"};

/* Where targets are numbers, the likelier first. */
static const char *const value_names[] = {
    "price",
    "score",
    "rating",
    "y",
    "target",
    "value",
    "label",
    "stars",
    "amount",
    "\xe4\xbb\xb7\xe6\xa0\xbc", /* jia ge, "price" */
    "\xe8\xaf\x84\xe5\x88\x86" /* ping fen, "score" */};
/* Numbers of the row, not of the matter. */
static const char *const row_names[] = {"id",  "index", "idx", "no",         "nr",
                                        "row", "uid",   "key", "unnamed: 0", ""};

#define COUNT(list) ((int)(sizeof list / sizeof *list))

static bool is_whole(const char *p, size_t n)
{
    size_t i = n && (*p == '-' || *p == '+');
    if (i == n || n > 18) return false;
    for (; i < n; i++)
        if (p[i] < '0' || p[i] > '9') return false;
    return true;
}

/* Notes whether a value is a number. */
static void note_number(column *c, const char *p, size_t n)
{
    float x;
    c->filled += n > 0;
    if (!n || !weft__dataset_number(p, n, &x)) return;
    c->steps += c->numbers && x == c->last + 1;
    c->last = x;
    c->numbers++;
}

/* "2024-01-31", "31.1.2024", "1/31/24 10:00", "2024-01-31T10:00:00Z" */
static bool is_date(const char *p, size_t n)
{
    size_t at = 0;
    char mark = 0;
    for (int part = 0; part < 3; part++) {
        size_t from = at;
        while (at < n && p[at] >= '0' && p[at] <= '9') at++;
        if (at == from || at - from > 4) return false;
        if (part == 2) break;
        if (at == n || !strchr("-/.", p[at]) || (mark && p[at] != mark)) return false;
        mark = p[at++];
    }
    return at == n || p[at] == ' ' || p[at] == 'T';
}

static void trim(const char **p, size_t *n)
{
    while (*n && strchr(" \r\n\t", (*p)[*n - 1]) && (*p)[*n - 1]) --*n;
    while (*n && **p && strchr(" \r\n\t", **p)) ++*p, --*n;
}

/* Notes a value; false when there is no memory. */
static bool note(column *c, uint64_t digest)
{
    size_t at;
    if (c->kinds >= MANY) return true;
    if ((size_t)c->kinds * 2 >= c->slots) {
        size_t slots = c->slots ? c->slots * 4 : 64;
        uint64_t *seen = weft__alloc(slots, sizeof *seen);
        if (!seen) return false;
        for (size_t i = 0; i < c->slots; i++) {
            if (!c->seen[i]) continue;
            for (at = c->seen[i] & (slots - 1); seen[at];) at = (at + 1) & (slots - 1);
            seen[at] = c->seen[i];
        }
        free(c->seen);
        c->seen = seen;
        c->slots = slots;
    }
    if (!digest) digest = 1;
    for (at = digest & (c->slots - 1); c->seen[at]; at = (at + 1) & (c->slots - 1))
        if (c->seen[at] == digest) return true;
    c->seen[at] = digest;
    c->kinds++;
    return true;
}

static void first_row(look *l, const weft__rows *r)
{
    l->columns = r->fields;
    for (int i = 0; i < r->fields; i++) {
        const char *p = r->text ? r->text + r->field[i].at : "";
        size_t n = r->field[i].bytes;
        column *c = &l->column[i];
        trim(&p, &n);
        c->first = weft__bytes_hash(p, n);
        c->first_whole = is_whole(p, n);
        c->first_number = n && weft__dataset_number(p, n, &c->last);
        if (n < NAME && !memchr(p, 0, n)) memcpy(c->name, p, n);
    }
}

static weft_status other_row(look *l, const weft__rows *r)
{
    for (int i = 0; i < r->fields; i++) {
        const char *p = r->text + r->field[i].at;
        size_t n = r->field[i].bytes;
        column *c = &l->column[i];
        uint64_t digest;
        if (!r->field[i].there) continue;
        trim(&p, &n);
        digest = weft__bytes_hash(p, n);
        if (!note(c, digest))
            return weft__fail(WEFT_ENOMEM, "%s: no memory to look at its columns",
                              r->in.path);
        c->first_again |= digest == c->first;
        c->rows++;
        c->whole += is_whole(p, n);
        note_number(c, p, n);
        c->dates += is_date(p, n);
        c->bytes += (double)n;
    }
    l->rows++;
    return WEFT_OK;
}

static weft_status look_at(look *l, weft__rows *r)
{
    for (int n = 0; n < LOOK_AT;) {
        weft_status s = weft__rows_next(r);
        if (s) return s;
        if (r->why[0]) continue;
        if (!r->fields) break;
        if (!n++ && !r->reader->named)
            first_row(l, r);
        else if (r->reader->named || r->fields == l->columns)
            s = other_row(l, r);
        if (s) return s;
    }
    if (r->reader->named) {
        l->columns = r->keys;
        for (int i = 0; i < r->keys; i++)
            snprintf(l->column[i].name, NAME, "%s", r->key[i]);
    }
    return WEFT_OK;
}

static int named(const look *l, const char *name)
{
    for (int i = 0; i < l->columns; i++)
        if (!strcasecmp(l->column[i].name, name)) return i;
    return -1;
}

static int one_of(const look *l, const char *const *list, int n, int but)
{
    for (int i = 0; i < n; i++) {
        int c = named(l, list[i]);
        if (c >= 0 && c != but) return c;
    }
    return -1;
}

/* A number from 1 as a column; -1 when it is none. */
static int numbered(const look *l, const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);
    return *text && !*end && n >= 1 && n <= l->columns ? (int)n - 1 : -1;
}

static double mean(const column *c)
{
    return c->rows ? c->bytes / c->rows : 0;
}

static bool is_few(const look *l, int i)
{
    const column *c = &l->column[i];
    int kinds = c->kinds + !c->first_again, rows = l->rows + 1;
    if (kinds >= MANY || !c->rows || c->dates * 2 > c->rows) return false;
    return rows < 8 ? kinds < rows || kinds <= 2 : kinds * 2 <= rows;
}

/* The likelier label column of two: few values but more than one, then fewer, then
 * shorter ones. */
static int likelier(const look *l, int a, int b)
{
    const column *x = &l->column[a], *y = &l->column[b];
    bool few = is_few(l, a), other = is_few(l, b);
    if (few != other) return few ? a : b;
    if ((x->kinds > 1) != (y->kinds > 1)) return x->kinds > 1 ? a : b;
    if (x->kinds != y->kinds) return x->kinds < y->kinds ? a : b;
    return mean(x) <= mean(y) ? a : b;
}

/* The longest column that is not the label. */
static int longest(const look *l, int label)
{
    int best = -1;
    for (int i = 0; i < l->columns; i++)
        if (i != label && (best < 0 || mean(&l->column[i]) > mean(&l->column[best])))
            best = i;
    return best;
}

/* Without names that we know: a label that stands in the first row only, where all
 * others come again or are numbers, is a header. */
static bool looks_like_header(const look *l, int label)
{
    const column *c = &l->column[label];
    if (c->first_again || !*c->name || !c->rows) return false;
    if (c->whole == c->rows && !c->first_whole) return true;
    if (l->rows < 8 || c->kinds * 4 > l->rows) return false;
    for (int i = 0; i < l->columns; i++) { /* texts are not names; empty ones have none */
        const column *other = &l->column[i];
        bool empty = other->filled * 2 < l->rows;
        if (empty != !*other->name || (!empty && other->first_again)) return false;
        if (strlen(other->name) > 24 || strpbrk(other->name, " .,;!?")) return false;
    }
    return true;
}

static weft_status no_column(const char *path, const look *l, bool names,
                             const char *asked)
{
    const char *word[WEFT_MOST_COLUMNS], *meant;
    char list[512] = "";
    size_t at = 0;
    if (!names)
        return weft__fail(WEFT_EUSAGE, "%s: no column \"%s\": there are 1 to %d", path,
                          asked, l->columns);
    for (int i = 0; i < l->columns; i++) {
        word[i] = l->column[i].name;
        if (at < sizeof list - NAME - 4)
            at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "",
                                   word[i]);
    }
    meant = weft__nearest(asked, word, l->columns);
    return weft__fail(WEFT_EUSAGE, "%s: no column \"%s\" (%s%s%s)", path, asked,
                      meant ? "did you mean \"" : "there are: ", meant ? meant : list,
                      meant ? "\"?" : "");
}

/* The user's word for a column: a number counts columns, anything else is a name. */
static weft_status asked_for(const char *path, const look *l, const char *asked,
                             int *number, bool *by_name)
{
    int c = numbered(l, asked);
    if (c < 0) {
        c = named(l, asked);
        *by_name |= c >= 0;
    }
    if (c < 0)
        return no_column(path, l, strspn(asked, "0123456789") != strlen(asked), asked);
    *number = c;
    return WEFT_OK;
}

/* Nearly every row has a value of its own: a text or a number of the row. */
static weft_status check_label(const char *path, const look *l, int label)
{
    const column *c = &l->column[label];
    int rows = l->rows < MANY ? l->rows : MANY;
    if (rows < LITTLE || c->kinds < rows - rows / 10) return WEFT_OK;
    return weft__fail(WEFT_EUSAGE,
                      "%s: column %d has %d different values in %d rows: those are no "
                      "labels",
                      path, label + 1, c->kinds, l->rows);
}

/* Does a column number the rows? */
static bool is_id(const column *c)
{
    size_t n = strlen(c->name);
    for (int i = 0; i < COUNT(row_names); i++)
        if (!c->first_number && !strcasecmp(c->name, row_names[i])) return true;
    if (n > 3 && !strcasecmp(c->name + n - 3, "_id")) return true;
    return c->numbers > 2 && c->steps == c->numbers - 1;
}

/* Most that stands in it are numbers: others are bad rows. */
static bool is_mostly_numbers(const column *c)
{
    return c->numbers && c->numbers * 2 >= c->filled;
}

static bool is_nearly_all_numbers(const column *c)
{
    return c->numbers && c->numbers * 10 >= c->filled * 9;
}

/* The column of numbers that is meant: one with a name for such, else the last that has
 * several, hardly anything else, and does not number the rows. */
static weft_status choose_value(const char *path, const look *l, int text, int *label)
{
    for (int i = 0; i < COUNT(value_names); i++) {
        int c = named(l, value_names[i]);
        if (c < 0 || c == text || !is_mostly_numbers(&l->column[c])) continue;
        *label = c;
        return WEFT_OK;
    }
    for (int c = l->columns - 1; c >= 0; c--)
        if (c != text && is_nearly_all_numbers(&l->column[c]) && l->column[c].kinds > 2 &&
            !is_id(&l->column[c])) {
            *label = c;
            return WEFT_OK;
        }
    return weft__fail(
        WEFT_EDATA,
        "%s: none of the %d columns looks like a value: looked for one of numbers, "
        "more than two different ones, that does not number the rows; say which "
        "(--label-column)",
        path, l->columns);
}

/* A column that was asked for as that of the values. */
static weft_status check_value(const char *path, const look *l, int label)
{
    const column *c = &l->column[label];
    if (is_mostly_numbers(c)) return WEFT_OK;
    return weft__fail(WEFT_EUSAGE,
                      "%s: column %d has %d numbers in %d rows: those are no values",
                      path, label + 1, c->numbers, l->rows);
}

/* Where neither end of the rows is a label: the likeliest column between them; -1. */
static int likeliest_between(const look *l, int text)
{
    int best = -1;
    for (int i = 1; i + 1 < l->columns; i++) {
        if (i == text || !is_few(l, i) || l->column[i].kinds < 2 || is_id(&l->column[i]))
            continue;
        best = best < 0 ? i : likelier(l, best, i);
    }
    return best;
}

/* The column of the target, when it was not asked for. *header is set when a name
 * told. */
static weft_status choose_label(const char *path, const look *l, int text,
                                weft_target_kind target, int *label, bool *header)
{
    int last = l->columns - 1;
    if (target == WEFT_TARGET_VALUES) return choose_value(path, l, text, label);
    *label = one_of(l, label_names, COUNT(label_names), text);
    *header |= *label >= 0;
    if (*label >= 0) return WEFT_OK;
    *label = text == 0 ? last : text == last ? 0 : likelier(l, 0, last);
    if (is_few(l, *label) && l->column[*label].kinds > 1) return WEFT_OK;
    int between = likeliest_between(l, text);
    if (between >= 0) *label = between;
    if (is_few(l, *label)) return WEFT_OK;
    return weft__fail(WEFT_EDATA,
                      "%s: no column looks like a label: the first has %d "
                      "different values in %d rows, the last %d; say which "
                      "(--label-column)",
                      path, l->column[0].kinds + 1, l->rows + 1,
                      l->column[last].kinds + 1);
}

/* Is the first row one of names? A column of values whose first is no number has
 * one. */
static bool has_header(const look *l, int label, weft_target_kind target)
{
    const column *c = &l->column[label];
    if (target == WEFT_TARGET_CLASS) return looks_like_header(l, label);
    return *c->name && !c->first_number;
}

static weft_status choose(const char *path, const look *l, const weft_dataset_opts *o,
                          bool is_named, weft__columns *out)
{
    bool header = false;
    int label = -1, text = -1;
    weft_status s = WEFT_OK;
    if (o->text.text_column) s = asked_for(path, l, o->text.text_column, &text, &header);
    if (!s && o->text.label_column)
        s = asked_for(path, l, o->text.label_column, &label, &header);
    if (!s && label >= 0)
        s = o->target == WEFT_TARGET_VALUES ? check_value(path, l, label)
                                            : check_label(path, l, label);
    if (!s && label < 0) s = choose_label(path, l, text, o->target, &label, &header);
    if (s) return s;
    if (!header) header = has_header(l, label, o->target);
    if (text < 0 && (header || is_named))
        text = one_of(l, text_names, COUNT(text_names), label);
    if (text < 0) text = longest(l, label);
    if (text == label)
        return weft__fail(WEFT_EUSAGE, "%s: column %d cannot be label and text at once",
                          path, label + 1);
    out->label = label;
    out->text = text;
    out->header = header && !is_named;
    out->count = is_named ? 0 : l->columns;
    if (header || is_named) {
        snprintf(out->label_name, sizeof out->label_name, "%s", l->column[label].name);
        snprintf(out->text_name, sizeof out->text_name, "%s", l->column[text].name);
    }
    return WEFT_OK;
}

weft_status weft__columns_choose(const char *path, const weft__text_reader *reader,
                                 const weft_dataset_opts *o, size_t most,
                                 weft__columns *out)
{
    weft__rows r;
    look *l;
    weft_status s;
    *out = (weft__columns){.label = 0, .text = 1};
    if (reader->fixed) return WEFT_OK;
    s = weft__rows_open(&r, reader, path, most);
    if (s) return s;
    r.reals = o->target == WEFT_TARGET_VALUES;
    r.separator = o->text.delimiter;
    l = calloc(1, sizeof *l);
    s = l ? look_at(l, &r) : weft__fail(WEFT_ENOMEM, "%s: no memory to read it", path);
    if (!s && !l->columns)
        s = weft__fail(WEFT_EDATA, "%s: no rows in it%s%s", path, r.why[0] ? ": " : "",
                       r.why);
    if (!s && l->columns < 2)
        s = weft__fail(WEFT_EDATA,
                       "%s: looked for two columns or more (a label and a text), found "
                       "one (%s)",
                       path, reader->name);
    if (!s) s = choose(path, l, o, reader->named, out);
    if (!s) out->separator = r.separator;
    for (int i = 0; l && i < WEFT_MOST_COLUMNS; i++) free(l->column[i].seen);
    free(l);
    weft__rows_close(&r);
    return s;
}

static int field_named(const weft__rows *r, const char *name)
{
    size_t length = strlen(name);
    for (int i = 0; i < r->fields; i++) {
        const char *p = r->text + r->field[i].at;
        size_t n = r->field[i].bytes;
        trim(&p, &n);
        if (n == length && !strncasecmp(p, name, n)) return i;
    }
    return -1;
}

weft_status weft__columns_begin(weft__rows *r, weft__columns *c)
{
    int label, text;
    weft_status s;
    if (!c->header) return WEFT_OK;
    s = weft__rows_next(r);
    if (s || !r->fields) return s;
    c->unlabelled = false;
    label = field_named(r, c->label_name);
    text = *c->text_name ? field_named(r, c->text_name) : c->text;
    if (label >= 0 && text >= 0) {
        c->label = label;
        c->text = text;
        c->count = r->fields;
    } else if (*c->text_name && text >= 0) {
        c->unlabelled = true;
    } else {
        r->again = true; /* a file without the header: its first row is a sample */
    }
    return WEFT_OK;
}

bool weft__columns_repeated(const weft__rows *r, const weft__columns *c)
{
    return c->header && *c->label_name && r->fields == c->count &&
           field_named(r, c->label_name) == c->label &&
           (!*c->text_name || field_named(r, c->text_name) == c->text);
}

static int key_of(const weft__rows *r, const char *name)
{
    for (int i = 0; i < r->keys; i++)
        if (!strncasecmp(r->key[i], name, NAME - 1)) return i;
    return -1;
}

bool weft__columns_pick(weft__rows *r, const weft__columns *c, const weft__field **label,
                        const weft__field **text)
{
    int l = c->label, t = c->text;
    if (r->reader->named) {
        l = key_of(r, c->label_name);
        t = key_of(r, c->text_name);
    }
    if (c->count && r->fields != c->count) {
        weft__rows_bad(r, "%d column%s, the first row has %d", r->fields,
                       r->fields == 1 ? "" : "s", c->count);
        return false;
    }
    if (l < 0 || l >= r->fields || !r->field[l].there) {
        weft__rows_bad(r, "no field \"%s\" that is a %s", c->label_name,
                       r->reals ? "number" : "text or a whole number");
        return false;
    }
    if (t < 0 || t >= r->fields || !r->field[t].there) {
        weft__rows_bad(r, "no field \"%s\" that is a text", c->text_name);
        return false;
    }
    *label = &r->field[l];
    *text = &r->field[t];
    return true;
}
