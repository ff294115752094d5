/* texts.c: opens a set of labelled texts: has it read, checked and split, answers
 * questions. */
#include "data/texts.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "data/names.h"
#include "data/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_BYTES = 1 << 20 };

static weft_status no_memory(const weft__texts *t)
{
    return weft__fail(WEFT_ENOMEM, "%s: no memory for its texts", t->path);
}

/* ---- classes ---- */

/* Sorts as numbers when both are whole. */
static int by_number(const void *a, const void *b)
{
    const weft__word *x = a, *y = b;
    long long p = strtoll(x->text, NULL, 10), q = strtoll(y->text, NULL, 10);
    if (p != q) return p < q ? -1 : 1;
    return strcmp(x->text, y->text);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(((const weft__word *)a)->text, ((const weft__word *)b)->text);
}

static bool is_whole(const char *p)
{
    p += *p == '-' || *p == '+';
    return *p && strlen(p) < 18 && strspn(p, "0123456789") == strlen(p);
}

static bool all_whole(const weft__words *w)
{
    for (int i = 0; i < w->count; i++)
        if (!is_whole(w->word[i].text)) return false;
    return true;
}

/* The labels in order, as names, and their new numbers into every sample. */
static weft_status order_classes(weft__texts *t)
{
    int n = t->names.count;
    weft__word *sorted = weft__alloc((size_t)n + 1, sizeof *sorted);
    int32_t *number = weft__alloc((size_t)n + 1, sizeof *number);
    t->class_name = weft__alloc((size_t)n + 1, sizeof *t->class_name);
    if (!sorted || !number || !t->class_name) {
        free(sorted);
        free(number);
        return no_memory(t);
    }
    if (n) memcpy(sorted, t->names.word, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, all_whole(&t->names) ? by_number : by_bytes);
    for (int c = 0; c < n; c++) {
        t->class_name[c] = weft__arena_text(&t->arena, sorted[c].text);
        number[weft__words_find(&t->names, sorted[c].text, sorted[c].bytes)] = c;
    }
    free(sorted);
    t->classes = n;
    for (int s = 0; s < 3; s++)
        for (int i = 0; i < t->count[s]; i++)
            t->item[s][i].label = number[t->item[s][i].label];
    free(number);
    for (int c = 0; c < n; c++)
        if (!t->class_name[c]) return no_memory(t);
    return WEFT_OK;
}

/* Are the labels 0 .. n-1 or 1 .. n? */
static bool are_counted(const weft__texts *t)
{
    long long first = t->classes ? strtoll(t->class_name[0], NULL, 10) : 0;
    if (!all_whole(&t->names) || first < 0 || first > 1) return false;
    for (int c = 0; c < t->classes; c++)
        if (strtoll(t->class_name[c], NULL, 10) != first + c) return false;
    return true;
}

/* Names from a class.txt beside the data, where labels are numbers. */
static weft_status name_classes(weft__texts *t, const char *train, const weft__sink *sink)
{
    const char *slash = strrchr(train, '/');
    char *folder, **name = NULL;
    int n = 0;
    weft_status s;
    if (!are_counted(t)) return WEFT_OK;
    folder = slash ? strndup(train, (size_t)(slash - train + 1)) : strdup(".");
    if (!folder) return no_memory(t);
    s = weft__names_beside(folder, &name, &n);
    if (s == WEFT_EDATA) {
        weft__found(sink, WEFT_WARNING, "names", "%s; labels stay numbers",
                    weft_last_error());
        s = WEFT_OK;
    } else if (!s && n && n != t->classes) {
        weft__found(sink, WEFT_WARNING, "names",
                    "%s: the list of classes there has %d names, the labels are %d "
                    "numbers; they stay numbers",
                    folder, n, t->classes);
    } else if (!s && n) {
        for (int c = 0; !s && c < n; c++) {
            t->class_name[c] = weft__arena_text(&t->arena, name[c]);
            if (!t->class_name[c]) s = no_memory(t);
        }
    }
    for (int c = 0; c < n; c++) free(name[c]);
    free(name);
    free(folder);
    return s;
}

/* ---- splitting ---- */

/* Moves the chosen samples of train to val; both keep their order. */
static weft_status move_chosen(weft__texts *t, const bool *chosen)
{
    int n = t->count[WEFT_SUBSET_TRAIN], kept = 0, moved = 0;
    weft__text_item *from = t->item[WEFT_SUBSET_TRAIN];
    t->item[WEFT_SUBSET_VAL] = weft__alloc((size_t)n + 1, sizeof *from);
    if (!t->item[WEFT_SUBSET_VAL]) return no_memory(t);
    for (int i = 0; i < n; i++)
        if (chosen[i])
            t->item[WEFT_SUBSET_VAL][moved++] = from[i];
        else
            from[kept++] = from[i];
    t->count[WEFT_SUBSET_TRAIN] = kept;
    t->count[WEFT_SUBSET_VAL] = moved;
    return WEFT_OK;
}

static weft_status fill_labels(weft__texts *t)
{
    for (int s = 0; s < 3; s++) {
        free(t->label[s]);
        t->label[s] = weft__alloc((size_t)t->count[s] + 1, sizeof *t->label[s]);
        if (!t->label[s]) return no_memory(t);
        for (int i = 0; i < t->count[s]; i++) t->label[s][i] = t->item[s][i].label;
    }
    return WEFT_OK;
}

/* By class; where targets are numbers, all alike. */
static weft_status split_by(const weft__texts *t, int n, const weft__texts_opts *o, bool *chosen)
{
    if (t->target == WEFT_TARGET_CLASS)
        return weft__stratify(t->label[WEFT_SUBSET_TRAIN], n, t->classes, o->val_fraction,
                              o->seed, chosen);
    int32_t *all = weft__alloc((size_t)n + 1, sizeof *all);
    if (!all) return no_memory(t);
    weft_status s = weft__stratify(all, n, 1, o->val_fraction, o->seed, chosen);
    free(all);
    return s;
}

static weft_status split(weft__texts *t, const weft__texts_opts *o, bool has_val)
{
    weft_status s = fill_labels(t);
    bool *chosen;
    int n = t->count[WEFT_SUBSET_TRAIN];
    if (s || has_val || o->no_val) return s;
    chosen = weft__alloc((size_t)n + 1, sizeof *chosen);
    if (!chosen) return no_memory(t);
    s = split_by(t, n, o, chosen);
    if (!s) s = move_chosen(t, chosen);
    free(chosen);
    return s ? s : fill_labels(t);
}

/* ---- checks ---- */

static uint64_t digest_of(const void *set, weft_subset s, int i)
{
    const weft__texts *t = set;
    const weft__text_item *item = &t->item[s][i];
    uint64_t h = weft__bytes_hash(item->text, item->bytes);
    if (!item->bytes) return 0; /* empty texts are told of otherwise */
    return h ? h : 1;
}

static void name_of(const void *set, weft_subset s, int i, char *text, size_t size)
{
    weft__texts_sample_name(set, s, i, text, size);
}

weft__labelled weft__texts_view(const weft__texts *t)
{
    weft__labelled v = {.path = t->path,
                        .classes = t->classes,
                        .class_name = t->class_name,
                        .set = t,
                        .digest = digest_of,
                        .name_of = name_of};
    for (int s = 0; s < 3; s++) v.count[s] = t->count[s], v.label[s] = t->label[s];
    return v;
}

static const char *why_of(const void *set, size_t i)
{
    return ((const weft__texts *)set)->bad[i].why;
}

static void bad_name(const void *set, size_t i, char *text, size_t size)
{
    const weft__text_bad *b = &((const weft__texts *)set)->bad[i];
    snprintf(text, size, "%.*s", (int)b->name, b->why);
}

static weft_status verdict(const weft__texts *t, const weft__texts_opts *o,
                           const weft__sink *sink)
{
    weft__bads b = {t->path, t->bads, t->rows, t, why_of, bad_name};
    return weft__verdict(&b, o->skip_bad, o->skip_bad_max, o->bad_list, sink);
}

static weft_status tell_oddities(const weft__texts *t, const weft__sink *sink)
{
    size_t n = 0;
    for (int s = 0; s < 3; s++) n += (size_t)t->count[s];
    if (n && t->empty >= n)
        return weft__reject(sink, "empty", "%s: all %zu texts are empty", t->path, n);
    if (t->empty)
        weft__found(sink, WEFT_WARNING, "empty-text", "%s: %zu of %zu texts are empty",
                    t->path, t->empty, n);
    if (t->replaced)
        weft__found(sink, WEFT_WARNING, "not-utf8",
                    "%s: %lld sequences that are not UTF-8 were replaced by U+FFFD; of "
                    "another encoding? (iconv -f LATIN1 -t UTF-8)",
                    t->path, (long long)t->replaced);
    if (t->cut)
        weft__found(sink, WEFT_WARNING, "long-text",
                    "%s: %zu texts are longer than %zu bytes and were cut", t->path,
                    t->cut, t->most);
    return WEFT_OK;
}

/* Names of classes, and each sample's label and text, in the set's order. */
static void make_hash(weft__texts *t)
{
    weft__sha256 h;
    unsigned char sum[32];
    char text[64];
    weft__sha256_start(&h);
    weft__sha256_add(&h, "weft texts 1\n", 13);
    for (int c = 0; c < t->classes; c++)
        weft__sha256_add(&h, t->class_name[c], strlen(t->class_name[c]) + 1);
    for (int s = 0; s < 3; s++) {
        snprintf(text, sizeof text, "%s %d\n", weft__split_name((weft_subset)s),
                 t->count[s]);
        weft__sha256_add(&h, text, strlen(text));
        for (int i = 0; i < t->count[s]; i++) {
            const weft__text_item *item = &t->item[s][i];
            unsigned char label[2] = {(unsigned char)item->label,
                                      (unsigned char)(item->label >> 8)};
            weft__sha256_add(&h, label, sizeof label);
            weft__sha256_add(&h, item->text, (size_t)item->bytes + 1);
        }
    }
    weft__sha256_end(&h, sum);
    weft__hex(t->hash, sum, sizeof sum);
}

/* ---- opening ---- */

/* The files of a set are of one format; what a file is called may say another. */
static weft_status check_alike(const weft__text_files *f, int k, const char *format)
{
    const weft__text_reader *first = weft__text_reader_by_suffix(f->path[WEFT_SUBSET_TRAIN]);
    const weft__text_reader *other = weft__text_reader_by_suffix(f->path[k]);
    if (format || !first || !other || first == other) return WEFT_OK;
    return weft__fail(WEFT_EDATA, "%s: is %s, the training texts are %s", f->path[k],
                      other->name, first->name);
}

static void tell_columns(weft__texts *t, const weft__columns *c)
{
    snprintf(t->label_name, sizeof t->label_name, "%s", c->label_name);
    if (c->label_name[0] && c->text_name[0])
        snprintf(t->columns, sizeof t->columns, "label %.120s, text %.120s",
                 c->label_name, c->text_name);
    else
        snprintf(t->columns, sizeof t->columns, "label column %d, text column %d",
                 c->label + 1, c->text + 1);
}

static weft_status load_files(weft__texts *t, const weft__texts_opts *o,
                              const weft__text_files *f)
{
    weft__columns c = {0};
    const weft__text_reader *reader = NULL;
    weft_status s = weft__text_reader_of(f->path[WEFT_SUBSET_TRAIN], o->format, &reader);
    if (!s) s = weft__columns_choose(f->path[WEFT_SUBSET_TRAIN], reader, o, &c);
    for (int k = 0; !s && k < 3; k++) {
        if (!f->path[k]) continue;
        s = check_alike(f, k, o->format);
        if (!s) s = weft__texts_load(t, o, f->path[k], reader, &c, k);
    }
    if (s) return s;
    t->format = reader->name;
    if (!reader->fixed) tell_columns(t, &c);
    return WEFT_OK;
}

static weft_status load_folders(weft__texts *t, const weft__texts_opts *o,
                                const weft__sink *sink, const weft__text_files *f)
{
    weft_status s = WEFT_OK;
    t->format = "text-folder";
    for (int k = 0; !s && k < 3; k++)
        if (f->path[k]) s = weft__text_folder_load(t, o, sink, f->path[k], k);
    return s;
}

static weft_status check_opts(const weft__texts_opts *o)
{
    if (!(o->val_fraction >= 0 && o->val_fraction < 1))
        return weft__fail(WEFT_EUSAGE,
                          "a share of %g of the training texts to validate: 0 to below 1",
                          o->val_fraction);
    if (!(o->skip_bad_max >= 0 && o->skip_bad_max <= 100))
        return weft__fail(WEFT_EUSAGE, "at most %g %% bad samples: 0 to 100",
                          o->skip_bad_max);
    if (o->max_text_bytes > (size_t)1 << 30)
        return weft__fail(WEFT_EUSAGE, "texts of %zu bytes: at most 2^30",
                          o->max_text_bytes);
    if (o->format && !weft__text_reader_named(o->format))
        return weft__fail(WEFT_EUSAGE,
                          "format \"%s\" of texts: tsv, csv, jsonl, fasttext, space",
                          o->format);
    return WEFT_OK;
}

/* What is read becomes a set. */
weft_status weft__texts_finish(weft__texts *t, const weft__texts_opts *o, bool has_val,
                               const char *names_beside, const weft__sink *sink)
{
    weft__labelled view;
    weft_status s = verdict(t, o, sink);
    if (!s) s = order_classes(t);
    if (!s && names_beside && t->target == WEFT_TARGET_CLASS)
        s = name_classes(t, names_beside, sink);
    if (!s) s = split(t, o, has_val);
    if (!s) s = tell_oddities(t, sink);
    if (s) return s;
    view = weft__texts_view(t);
    if (t->target == WEFT_TARGET_CLASS) s = weft__check_classes(&view, sink);
    if (!s) s = weft__find_twins(&view, sink);
    if (!s) make_hash(t);
    return s;
}

weft_status weft__texts_survey(const char *path, const weft__texts_opts *opts,
                               const weft__sink *sink, weft__texts **out)
{
    weft__texts_opts o = opts ? *opts : (weft__texts_opts){0};
    weft__text_files files = {0};
    weft__texts *t;
    weft_status s = check_opts(&o);
    if (!s) s = weft__text_files_find(path, &o, sink, &files);
    if (s) return s;
    if (!o.max_text_bytes) o.max_text_bytes = DEFAULT_BYTES;
    t = calloc(1, sizeof *t);
    if (t) t->path = strdup(path);
    if (!t || !t->path) s = weft__fail(WEFT_ENOMEM, "no memory to open %s", path);
    if (!s) {
        t->most = o.max_text_bytes;
        t->target = o.target;
        s = files.folders ? load_folders(t, &o, sink, &files) : load_files(t, &o, &files);
    }
    if (!s)
        s = weft__texts_finish(t, &o, files.path[WEFT_SUBSET_VAL] != NULL,
                               files.folders ? NULL : files.path[WEFT_SUBSET_TRAIN], sink);
    weft__text_files_free(&files);
    if (s)
        weft__texts_close(t);
    else
        *out = t;
    return s;
}

void weft__texts_close(weft__texts *t)
{
    if (!t) return;
    for (int s = 0; s < 3; s++) {
        free(t->item[s]);
        free(t->label[s]);
    }
    for (size_t i = 0; i < t->bads; i++) free(t->bad[i].why);
    free(t->bad);
    weft__segmented_free(t->segmented);
    free(t->file);
    free(t->class_name);
    free(t->path);
    weft__words_free(&t->names);
    weft__arena_free(&t->arena);
    free(t);
}

bool weft__texts_probe(const char *path)
{
    return weft__text_files_probe(path);
}

/* ---- questions ---- */

const char *weft__texts_format(const weft__texts *t)
{
    return t->format;
}

const char *weft__texts_label_name(const weft__texts *t)
{
    return t->label_name;
}

const char *weft__texts_columns(const weft__texts *t)
{
    return t->columns;
}

static bool valid_split(weft_subset s)
{
    return s == WEFT_SUBSET_TRAIN || s == WEFT_SUBSET_VAL || s == WEFT_SUBSET_TEST;
}

int weft__texts_count(const weft__texts *t, weft_subset s)
{
    return valid_split(s) ? t->count[s] : 0;
}

int weft__texts_classes(const weft__texts *t)
{
    return t->classes;
}

const char *weft__texts_class_name(const weft__texts *t, int c)
{
    return c >= 0 && c < t->classes ? t->class_name[c] : NULL;
}

static const weft__text_item *item_of(const weft__texts *t, weft_subset s, int i)
{
    return valid_split(s) && i >= 0 && i < t->count[s] ? &t->item[s][i] : NULL;
}

int weft__texts_label(const weft__texts *t, weft_subset s, int i)
{
    const weft__text_item *item = item_of(t, s, i);
    return item ? item->label : -1;
}

const char *weft__texts_get(const weft__texts *t, weft_subset s, int i, size_t *bytes)
{
    const weft__text_item *item = item_of(t, s, i);
    if (bytes) *bytes = item ? item->bytes : 0;
    return item ? item->text : NULL;
}

void weft__texts_sample_name(const weft__texts *t, weft_subset s, int i, char *text,
                            size_t size)
{
    const weft__text_item *item = item_of(t, s, i);
    if (!size) return;
    text[0] = 0;
    if (item && item->line)
        snprintf(text, size, "%s:%d", t->file[item->file], item->line);
    else if (item)
        snprintf(text, size, "%s", t->file[item->file]);
}

const char *weft__texts_hash(const weft__texts *t)
{
    return t->hash;
}

int64_t weft__texts_replaced(const weft__texts *t)
{
    return t->replaced;
}
