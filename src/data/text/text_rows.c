/* text_rows.c: samples from a file of rows into the set. */
#include "data/text/text_dataset.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/nearest.h"
#include "data/text/tokenizer/utf8.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static weft_status no_memory(const weft__texts *t)
{
    return weft__fail(WEFT_ENOMEM, "%s: no memory for its texts", t->path);
}

/* Doubles an array of `room` elements. */
static bool grow(void **array, size_t *room, size_t size)
{
    size_t more = *room ? *room * 2 : 256;
    void *p = more > weft__max_memory() / size ? NULL : realloc(*array, more * size);
    if (!p) return false;
    *array = p;
    *room = more;
    return true;
}

int weft__texts_file(weft__texts *t, const char *path)
{
    size_t room = (size_t)t->file_room;
    void *array = t->file;
    if (t->files == t->file_room &&
        (!grow(&array, &room, sizeof *t->file) || room > INT_MAX))
        return -1;
    t->file = array;
    t->file_room = (int)room;
    t->file[t->files] = weft__arena_text(&t->arena, path);
    return t->file[t->files] ? t->files++ : -1;
}

void weft__texts_where(const weft__texts *t, int file, int line, char *text, size_t size)
{
    if (t->in_arrays)
        weft__dataset_array_name((weft_subset)file, line, text, size);
    else if (line)
        snprintf(text, size, "%s:%d", t->file[file], line);
    else
        snprintf(text, size, "%s", t->file[file]);
}

weft_status weft__texts_bad(weft__texts *t, int file, int line, const char *format, ...)
{
    char text[2048];
    void *array = t->bad;
    size_t name, at;
    va_list args;
    weft__texts_where(t, file, line, text, 1536);
    name = strlen(text);
    at = name + (size_t)snprintf(text + name, sizeof text - name, ": ");
    va_start(args, format);
    vsnprintf(text + at, sizeof text - at, format, args);
    va_end(args);
    if (t->bads == t->bad_room && !grow(&array, &t->bad_room, sizeof *t->bad))
        return no_memory(t);
    t->bad = array;
    t->bad[t->bads].name = name;
    t->bad[t->bads].why = strdup(text);
    if (!t->bad[t->bads].why) return no_memory(t);
    t->bads++;
    return WEFT_OK;
}

static void trim(const char **p, size_t *n)
{
    while (*n && (*p)[*n - 1] && strchr(" \t\r\n", (*p)[*n - 1])) --*n;
    while (*n && **p && strchr(" \t\r\n", **p)) ++*p, --*n;
}

/* A label that train does not have. */
static weft_status unknown_class(weft__texts *t, int file, int line, const char *label,
                                 size_t n)
{
    char name[WEFT_MOST_LABEL + 1];
    const char **known = weft__alloc((size_t)t->names.count + 1, sizeof *known);
    const char *meant = NULL;
    snprintf(name, sizeof name, "%.*s", (int)n, label);
    for (int i = 0; known && i < t->names.count; i++) known[i] = t->names.word[i].text;
    if (known) meant = weft__nearest(name, known, t->names.count);
    weft_status s = weft__texts_bad(
        t, file, line, "class \"%s\" is not in the training set%s%s%s", name,
        meant ? " (did you mean \"" : "", meant ? meant : "", meant ? "\"?)" : "");
    free(known);
    return s;
}

/* The number of a label's class; -1 with *s when that is an error or a bad sample. */
static int class_of(weft__texts *t, int split, int file, int line, const char *label,
                    size_t n, weft_status *s)
{
    int c;
    if (split != WEFT_SUBSET_TRAIN) {
        c = weft__string_table_find(&t->names, label, n);
        if (c < 0) *s = unknown_class(t, file, line, label, n);
        return c;
    }
    c = weft__string_table_add(&t->names, label, n);
    if (c < 0) *s = no_memory(t);
    if (c >= WEFT_MOST_CLASSES)
        *s = weft__fail(WEFT_EDATA,
                        "%s:%d: more than %d different labels: is this the label column?",
                        t->file[file], line, WEFT_MOST_CLASSES);
    return *s ? -1 : c;
}

/* The label as what the sample's target is; *good: it is no bad sample. */
static weft_status understand(weft__texts *t, int split, const char *label, size_t n,
                              weft__text_item *item, bool *good)
{
    int file = item->file, line = item->line;
    weft_status s = WEFT_OK;
    *good = false;
    if (!n || n > WEFT_MOST_LABEL || weft__utf8_good(label, n) < n)
        return weft__texts_bad(t, file, line,
                               !n                    ? "no label"
                               : n > WEFT_MOST_LABEL ? "a label of more than 256 bytes"
                                                     : "a label that is not UTF-8");
    if (t->target == WEFT_TARGET_CLASS) {
        item->label = class_of(t, split, file, line, label, n, &s);
        *good = item->label >= 0;
    } else {
        *good = weft__dataset_number(label, n, &item->value);
        if (!*good)
            s = weft__texts_bad(t, file, line, "\"%.*s\" is no number", (int)n, label);
    }
    return s;
}

/* The text into the set's memory, repaired. */
static weft_status copy_text(weft__texts *t, const char *text, size_t n, size_t good,
                             bool cut, weft__text_item *item)
{
    size_t need = good == n ? n : n > SIZE_MAX / 3 - 1 ? SIZE_MAX / 2 : n * 3, used;
    int replaced = 0;
    char *to, *all = NULL;
    if (need > t->most) need = t->most;
    if (good < n) {
        all = weft__alloc(need + 1, 1);
        if (!all) return no_memory(t);
        size_t made = weft__utf8_repair(text, n, all, need, &replaced, &used);
        cut |= used < n;
        text = all;
        n = made;
    } else if (n > t->most) {
        n = t->most;
        while (n && ((unsigned char)text[n] & 0xc0) == 0x80) n--;
        cut = true;
    }
    to = n > UINT32_MAX ? NULL : weft__arena_alloc(&t->arena, n + 1);
    if (to && n) memcpy(to, text, n);
    free(all);
    if (!to) return no_memory(t);
    item->text = to;
    item->bytes = (uint32_t)n;
    t->replaced += replaced;
    t->cut += cut;
    t->empty += !n;
    return WEFT_OK;
}

/* Bytes that a cut left of a letter are no fault of the text. */
static size_t whole_letters(const char *p, size_t n)
{
    size_t back = 0;
    while (back < 3 && back < n && ((unsigned char)p[n - 1 - back] & 0xc0) == 0x80)
        back++;
    if (back < n && (unsigned char)p[n - 1 - back] >= 0xc0) {
        size_t good = weft__utf8_good(p + n - 1 - back, back + 1);
        if (good < back + 1) return n - 1 - back;
    }
    return n;
}

static weft_status keep_item(weft__texts *t, int split, const weft__text_item *item)
{
    void *array = t->item[split];
    if ((size_t)t->count[split] == t->item_room[split] &&
        !grow(&array, &t->item_room[split], sizeof *item))
        return no_memory(t);
    t->item[split] = array;
    if (t->count[split] == INT_MAX - 1) return no_memory(t);
    t->item[split][t->count[split]++] = *item;
    return WEFT_OK;
}

static weft_status not_utf8(weft__texts *t, const weft__text_item *item, const char *text,
                            size_t at)
{
    return weft__texts_bad(t, item->file, item->line,
                           "not UTF-8 at byte %zu of the text (0x%02x)", at,
                           (unsigned char)text[at]);
}

/* Remembers bytes of texts that are not UTF-8, to guess what they are by. */
static void note_odd(weft__texts *t, const char *text, size_t bytes)
{
    enum { ROOM = 1 << 14 };
    t->mangled++;
    if (!t->odd) t->odd = malloc(ROOM);
    if (!t->odd) return; /* then the guess is the commonest */
    if (bytes > ROOM - 1 - t->odd_bytes) bytes = ROOM - 1 - t->odd_bytes;
    memcpy(t->odd + t->odd_bytes, text, bytes);
    t->odd_bytes += bytes;
    if (t->odd_bytes + 1 < ROOM) t->odd[t->odd_bytes++] = ' ';
}

weft_status weft__texts_add(weft__texts *t, const weft_dataset_opts *o, int split,
                            int file, int line, const char *label, size_t label_bytes,
                            const char *text, size_t bytes, bool cut)
{
    weft__text_item item = {.file = file, .line = line};
    bool known = false;
    if (cut) bytes = whole_letters(text, bytes);
    trim(&label, &label_bytes);
    trim(&text, &bytes);
    t->rows++;
    weft_status s = understand(t, split, label, label_bytes, &item, &known);
    if (s || !known) return s;
    size_t good = weft__utf8_good(text, bytes);
    if (good < bytes && o->text.strict) return not_utf8(t, &item, text, good);
    if (good < bytes) note_odd(t, text, bytes);
    s = copy_text(t, text, bytes, good, cut, &item);
    return s ? s : keep_item(t, split, &item);
}

weft_status weft__texts_add_array(weft__texts *t, const weft_dataset_opts *o, int split,
                                  int i)
{
    weft__text_item item = {.file = split, .line = i, .text = t->arrays->text[split][i]};
    weft_status s = WEFT_OK;
    if (!item.text)
        return weft__fail(WEFT_EUSAGE, "arrays: text %d of %s is NULL", i,
                          weft_subset_name((weft_subset)split));
    size_t bytes = strlen(item.text), good = weft__utf8_good(item.text, bytes);
    t->rows++;
    if (good < bytes && o->text.strict) return not_utf8(t, &item, item.text, good);
    item.bytes = (uint32_t)bytes;
    if (good < bytes || bytes > t->most)
        s = copy_text(t, item.text, bytes, good, false, &item);
    else
        t->empty += !bytes;
    return s ? s : keep_item(t, split, &item);
}

static weft_status load_row(weft__texts *t, const weft_dataset_opts *o, weft__rows *r,
                            const weft__columns *c, int split, int file)
{
    const weft__field *label, *text;
    if (r->replaced && o->text.strict) weft__rows_bad(r, "not UTF-8");
    if (r->why[0] || !weft__columns_pick(r, c, &label, &text)) {
        t->rows++;
        return weft__texts_bad(t, file, r->line, "%s", r->why);
    }
    t->replaced += r->replaced;
    return weft__texts_add(t, o, split, file, r->line, r->text + label->at, label->bytes,
                           r->text + text->at, text->bytes, text->cut);
}

/* A file whose header has the text's column and not the label's. */
static weft_status no_labels(const weft__columns *c, const weft_dataset_opts *o,
                             const char *path, int split, const weft__sink *sink)
{
    bool given = split == WEFT_SUBSET_VAL ? o->val != NULL : o->test != NULL;
    if (given || split == WEFT_SUBSET_TRAIN)
        return weft__fail(WEFT_EDATA, "%s: has no column \"%s\"", path, c->label_name);
    weft__found(sink, WEFT_WARNING, "unlabelled",
                "%s: left out: has no column \"%s\"; it cannot be the %s set", path,
                c->label_name, weft_subset_name((weft_subset)split));
    return WEFT_OK;
}

weft_status weft__texts_load(weft__texts *t, const weft_dataset_opts *o, const char *path,
                             const weft__text_reader *reader, weft__columns *c, int split,
                             const weft__sink *sink)
{
    weft__rows r;
    size_t before = t->rows;
    int file = weft__texts_file(t, path);
    weft_status s;
    if (file < 0) return no_memory(t);
    s = weft__rows_open(&r, reader, path, t->most);
    if (s) return s;
    r.reals = t->target == WEFT_TARGET_VALUES;
    r.separator = o->text.delimiter;
    s = weft__columns_begin(&r, c);
    if (!s && c->unlabelled) {
        weft__rows_close(&r);
        return no_labels(c, o, path, split, sink);
    }
    while (!s) {
        s = weft__rows_next(&r);
        if (s || (!r.fields && !r.why[0])) break;
        if (weft__columns_repeated(&r, c)) {
            t->headers++;
            continue;
        }
        s = load_row(t, o, &r, c, split, file);
    }
    weft__rows_close(&r);
    if (!s && t->rows == before)
        s = weft__fail(WEFT_EDATA,
                       "%s: looked for rows with a label and a text, found "
                       "none",
                       path);
    return s;
}
