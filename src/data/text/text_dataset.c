/* text_dataset.c: opens a data set of texts: has it read, checked and split. */
#include "data/text/text_dataset.h"
#include "data/text/encoding.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include "data/class_names.h"
#include "data/text/tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_BYTES = 1 << 20 };

static weft_status no_memory(const char *path)
{
    return weft__fail(WEFT_ENOMEM, "%s: no memory for its texts", path);
}

/* ---- classes ---- */

/* Sorts as numbers when both are whole. */
static int by_number(const void *a, const void *b)
{
    const weft__string *x = a, *y = b;
    long long p = strtoll(x->text, NULL, 10), q = strtoll(y->text, NULL, 10);
    if (p != q) return p < q ? -1 : 1;
    return strcmp(x->text, y->text);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(((const weft__string *)a)->text, ((const weft__string *)b)->text);
}

static bool is_whole(const char *p)
{
    p += *p == '-' || *p == '+';
    return *p && strlen(p) < 18 && strspn(p, "0123456789") == strlen(p);
}

static bool all_whole(const weft__string_table *w)
{
    for (int i = 0; i < w->count; i++)
        if (!is_whole(w->word[i].text)) return false;
    return true;
}

/* The labels in order, as classes of d, and their new numbers into every sample. */
static weft_status order_classes(weft__texts *t, weft_dataset *d)
{
    int n = t->names.count;
    weft__string *sorted = weft__alloc((size_t)n + 1, sizeof *sorted);
    int32_t *number = weft__alloc((size_t)n + 1, sizeof *number);
    weft_status s = sorted && number ? WEFT_OK : no_memory(t->path);
    if (!s && n) {
        memcpy(sorted, t->names.word, (size_t)n * sizeof *sorted);
        qsort(sorted, (size_t)n, sizeof *sorted,
              all_whole(&t->names) ? by_number : by_bytes);
    }
    for (int c = 0; c < n && !s; c++) {
        s = weft__dataset_add_class(d, sorted[c].text);
        number[weft__string_table_find(&t->names, sorted[c].text, sorted[c].bytes)] = c;
    }
    for (int k = 0; k < 3 && !s; k++)
        for (int i = 0; i < t->count[k]; i++)
            t->item[k][i].label = number[t->item[k][i].label];
    free(sorted);
    free(number);
    return s;
}

/* Are the labels 0 .. n-1 or 1 .. n? */
static bool are_counted(const weft__texts *t, const weft_dataset *d)
{
    long long first = d->classes ? strtoll(d->class_name[0], NULL, 10) : 0;
    if (!all_whole(&t->names) || first < 0 || first > 1) return false;
    for (int c = 0; c < d->classes; c++)
        if (strtoll(d->class_name[c], NULL, 10) != first + c) return false;
    return true;
}

/* Names from a class.txt next to the data, where labels are numbers. */
static weft_status name_classes(const weft__texts *t, const char *train, weft_dataset *d,
                                const weft__sink *sink)
{
    const char *slash = strrchr(train, '/');
    char *folder, **name = NULL;
    int n = 0;
    weft_status s;
    if (!are_counted(t, d)) return WEFT_OK;
    folder = slash ? strndup(train, (size_t)(slash - train + 1)) : strdup(".");
    if (!folder) return no_memory(t->path);
    s = weft__names_in_folder(folder, &name, &n);
    if (s == WEFT_EDATA) {
        weft__found(sink, WEFT_WARNING, "names", "%s; labels stay numbers",
                    weft_last_error());
        s = WEFT_OK;
    } else if (!s && n && n != d->classes) {
        weft__found(sink, WEFT_WARNING, "names",
                    "%s: the list of classes there has %d names, the labels are %d "
                    "numbers; they stay numbers",
                    folder, n, d->classes);
    } else {
        for (int c = 0; !s && c < n; c++) {
            free(d->class_name[c]);
            d->class_name[c] = name[c];
            name[c] = NULL;
        }
    }
    for (int c = 0; c < n; c++) free(name[c]);
    free(name);
    free(folder);
    return s;
}

/* What the targets of files are called. */
static weft_status name_targets(weft__texts *t, const char *names_beside, weft_dataset *d,
                                const weft__sink *sink)
{
    const char *name = t->label_name[0] ? t->label_name : "value";
    if (t->arrays) return WEFT_OK;
    if (t->target == WEFT_TARGET_VALUES) return weft__dataset_set_values(d, 1, &name);
    weft_status s = order_classes(t, d);
    return s || !names_beside ? s : name_classes(t, names_beside, d, sink);
}

/* ---- splitting ---- */

/* What decides where a sample of the training subset goes: its class. */
static int32_t class_of(const weft__texts *t, int i)
{
    const weft__text_item *item = &t->item[WEFT_SUBSET_TRAIN][i];
    if (t->target == WEFT_TARGET_VALUES) return 0;
    return t->arrays ? t->arrays->label[item->file][item->line] : item->label;
}

/* Moves the chosen samples of train to val; both keep their order. */
static weft_status move_chosen(weft__texts *t, const bool *chosen)
{
    int n = t->count[WEFT_SUBSET_TRAIN], left = 0, moved = 0;
    weft__text_item *from = t->item[WEFT_SUBSET_TRAIN];
    t->item[WEFT_SUBSET_VAL] = weft__alloc((size_t)n + 1, sizeof *from);
    if (!t->item[WEFT_SUBSET_VAL]) return no_memory(t->path);
    for (int i = 0; i < n; i++)
        if (chosen[i])
            t->item[WEFT_SUBSET_VAL][moved++] = from[i];
        else
            from[left++] = from[i];
    t->count[WEFT_SUBSET_TRAIN] = left;
    t->count[WEFT_SUBSET_VAL] = moved;
    return WEFT_OK;
}

static weft_status split(weft__texts *t, const weft_dataset_opts *o,
                         const weft_dataset *d)
{
    int n = t->count[WEFT_SUBSET_TRAIN];
    bool *chosen = weft__alloc((size_t)n + 1, sizeof *chosen);
    int32_t *class = weft__alloc((size_t)n + 1, sizeof *class);
    weft_status s = chosen && class ? WEFT_OK : no_memory(t->path);
    for (int i = 0; i < n && !s; i++) class[i] = class_of(t, i);
    if (!s)
        s = weft__stratify(class, n, d->classes ? d->classes : 1, o->val_fraction,
                           o->seed, chosen);
    if (!s) s = move_chosen(t, chosen);
    free(class);
    free(chosen);
    return s;
}

/* Counts and targets into d. */
static weft_status fill(const weft__texts *t, weft_dataset *d)
{
    weft_status s = WEFT_OK;
    for (int k = 0; k < 3 && !s; k++) {
        d->count[k] = t->count[k];
        s = weft__dataset_room(d, (weft_subset)k);
        for (int i = 0; i < t->count[k] && !s; i++) {
            const weft__text_item *item = &t->item[k][i];
            if (t->arrays)
                weft__dataset_array_target(d, (weft_subset)k, i, t->arrays, item->file,
                                           item->line);
            else if (t->target == WEFT_TARGET_CLASS)
                d->label[k][i] = item->label;
            else
                d->value[k][i] = item->value;
        }
    }
    return s;
}

/* ---- checks ---- */

static uint64_t digest_of(const weft_dataset *d, weft_subset s, int i)
{
    const weft__text_item *item = &weft__texts_of(d)->item[s][i];
    uint64_t h = weft__bytes_hash(item->text, item->bytes);
    if (!item->bytes) return 0; /* empty texts are told of otherwise */
    return h ? h : 1;
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

static weft_status check_bad_samples(const weft__texts *t, const weft_dataset_opts *o,
                                     const weft__sink *sink)
{
    weft__bad_samples b = {t->path, t->bads, t->rows, t, why_of, bad_name};
    return weft__check_bad_samples(&b, o, sink);
}

/* Texts of another encoding: a few may be accidents, most of them are not. */
enum { FEW = 8 }; /* texts, of which most may be odd by chance */

static weft_status tell_encoding(const weft__texts *t, size_t texts,
                                 const weft__sink *sink)
{
    if (!t->replaced) return WEFT_OK;
    const char *encoding = weft__encoding_guess(t->odd, t->odd_bytes);
    if (t->mangled * 2 > texts && texts >= FEW)
        return weft__reject(
            sink, "not-utf8",
            "%s: %zu of %zu texts are not UTF-8 (%s, as it looks): iconv -f "
            "%s -t UTF-8 %s >NEW",
            t->path, t->mangled, texts, encoding, encoding,
            t->files ? t->file[0] : "FILE");
    weft__found(
        sink, WEFT_WARNING, "not-utf8",
        "%s: %lld sequences that are not UTF-8 were replaced by U+FFFD; of another "
        "encoding? (iconv -f %s -t UTF-8)",
        t->path, (long long)t->replaced, encoding);
    return WEFT_OK;
}

/* How many bytes of a label stand before a comma or its like; 0: none does. */
static size_t before_mark(const char *label)
{
    static const char *const marks[] = {
        ",", ";", ":", "|", "\xef\xbc\x8c", "\xef\xbc\x9a", "\xef\xbc\x9b"};
    size_t first = 0;
    for (size_t k = 0; k < sizeof marks / sizeof *marks; k++) {
        const char *at = strstr(label, marks[k]);
        if (!at || at == label || !at[strlen(marks[k])]) continue;
        if (!first || (size_t)(at - label) < first) first = (size_t)(at - label);
    }
    return first;
}

/* Labels glued to the text by a mark, as in "__label__pos,The film": the same few
 * beginnings with many ends each. */
static void tell_glued(const weft__texts *t, const weft__sink *sink)
{
    int n = 0, beginnings = 0, one = 0, other = 0;
    if (!t->word_labels || t->target != WEFT_TARGET_CLASS) return;
    for (int i = 0; i < t->names.count; i++) {
        const char *label = t->names.word[i].text;
        size_t length = before_mark(label);
        bool known = false;
        if (!length) continue;
        for (int k = 0; k < i && !known; k++) {
            const char *before = t->names.word[k].text;
            known = before_mark(before) == length && !memcmp(before, label, length);
            if (known && !other) one = k, other = i;
        }
        n++;
        beginnings += !known;
        if (beginnings > 256) return;
    }
    if (n >= 6 && n >= 3 * beginnings && n * 2 >= t->names.count)
        weft__found(sink, WEFT_WARNING, "glued-label",
                    "%s: %d of %d labels look glued to the text by a comma or its like: "
                    "\"%.60s\" and \"%.60s\"; a label ends at a blank",
                    t->path, n, t->names.count, t->names.word[one].text,
                    t->names.word[other].text);
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
    if (t->headers)
        weft__found(sink, WEFT_WARNING, "header-again",
                    "%s: %zu rows are the header once more and were left out", t->path,
                    t->headers);
    if (t->cut)
        weft__found(sink, WEFT_WARNING, "long-text",
                    "%s: %zu texts are longer than %zu bytes and were cut", t->path,
                    t->cut, t->most);
    return tell_encoding(t, n, sink);
}

/* Names of classes, and each sample's target and text, in the set's order. */
static void make_hash(const weft__texts *t, weft_dataset *d)
{
    weft__sha256 h;
    unsigned char sum[32];
    char text[64];
    weft__sha256_start(&h);
    weft__sha256_add(&h, "weft texts 1\n", 13);
    for (int c = 0; c < d->classes; c++)
        weft__sha256_add(&h, d->class_name[c], strlen(d->class_name[c]) + 1);
    for (int k = 0; k < 3; k++) {
        snprintf(text, sizeof text, "%s %d\n", weft_subset_name((weft_subset)k),
                 t->count[k]);
        weft__sha256_add(&h, text, strlen(text));
        for (int i = 0; i < t->count[k]; i++) {
            const weft__text_item *item = &t->item[k][i];
            weft__dataset_hash_target(d, (weft_subset)k, i, &h);
            weft__sha256_add(&h, item->text, item->bytes);
            weft__sha256_add(&h, "", 1);
        }
    }
    weft__sha256_end(&h, sum);
    weft__hex(d->hash, sum, sizeof sum);
}

/* ---- opening ---- */

/* The files of a set are of one format; what a file is called may say another. */
static weft_status check_alike(const weft__text_files *f, int k, const char *format)
{
    const weft__text_reader *first =
        weft__text_reader_by_suffix(f->path[WEFT_SUBSET_TRAIN]);
    const weft__text_reader *other = weft__text_reader_by_suffix(f->path[k]);
    if (format || !first || !other || first == other) return WEFT_OK;
    return weft__fail(WEFT_EDATA, "%s: is %s, the training texts are %s", f->path[k],
                      other->name, first->name);
}

static void tell_columns(weft__texts *t, const weft__columns *c)
{
    char separator[40] = "";
    if (c->separator == '\t')
        snprintf(separator, sizeof separator, ", separated by tabs");
    else if (c->separator && c->separator != ',')
        snprintf(separator, sizeof separator, ", separated by \"%c\"", c->separator);
    snprintf(t->label_name, sizeof t->label_name, "%s", c->label_name);
    if (c->label_name[0] && c->text_name[0])
        snprintf(t->columns, sizeof t->columns, "label %.100s, text %.100s%s",
                 c->label_name, c->text_name, separator);
    else
        snprintf(t->columns, sizeof t->columns, "label column %d, text column %d%s",
                 c->label + 1, c->text + 1, separator);
}

static weft_status load_files(weft__texts *t, const weft_dataset_opts *o,
                              const weft__sink *sink, weft__text_files *f)
{
    weft__columns c = {0};
    const char *format = o->text.format      ? o->text.format
                         : o->text.delimiter ? "csv"
                                             : NULL;
    const weft__text_reader *reader = NULL;
    weft_status s = weft__text_reader_of(f->path[WEFT_SUBSET_TRAIN], format, &reader);
    if (!s) s = weft__columns_choose(f->path[WEFT_SUBSET_TRAIN], reader, o, t->most, &c);
    for (int k = 0; !s && k < 3; k++) {
        if (!f->path[k]) continue;
        s = check_alike(f, k, format);
        if (!s) s = weft__texts_load(t, o, f->path[k], reader, &c, k, sink);
        if (!s && c.unlabelled) {
            free(f->path[k]);
            f->path[k] = NULL;
        }
    }
    if (s) return s;
    t->format = reader->name;
    t->word_labels = reader->fixed;
    if (!reader->fixed) tell_columns(t, &c);
    return WEFT_OK;
}

static weft_status load_folders(weft__texts *t, const weft_dataset_opts *o,
                                const weft__sink *sink, const weft__text_files *f)
{
    weft_status s = WEFT_OK;
    t->format = "text-folder";
    for (int k = 0; !s && k < 3; k++)
        if (f->path[k]) s = weft__text_folder_load(t, o, sink, f->path[k], k);
    return s;
}

static weft_status check_opts(const weft_text_opts *o)
{
    if (o->max_text_bytes > (size_t)1 << 30)
        return weft__fail(WEFT_EUSAGE, "texts of %zu bytes: at most 2^30",
                          o->max_text_bytes);
    if (o->format && !weft__text_reader_named(o->format))
        return weft__fail(WEFT_EUSAGE,
                          "format \"%s\" of texts: tsv, csv, jsonl, fasttext, space",
                          o->format);
    return WEFT_OK;
}

/* What is read becomes a set. names_beside: a file next to which a list of classes may
 * lie; NULL. */
static weft_status finish(weft__texts *t, const weft_dataset_opts *o, bool has_val,
                          const char *names_beside, const weft__sink *sink,
                          weft_dataset *d)
{
    weft_status s = check_bad_samples(t, o, sink);
    if (!s) tell_glued(t, sink);
    if (!s) s = name_targets(t, names_beside, d, sink);
    if (!s && !has_val && !o->no_val) s = split(t, o, d);
    if (!s) s = fill(t, d);
    if (!s) s = tell_oddities(t, sink);
    if (!s) s = weft__check_targets(d, sink);
    if (!s && !t->arrays) s = weft__find_duplicates(d, digest_of, sink);
    if (!s) make_hash(t, d);
    t->arrays = NULL;
    return s;
}

static weft_status make(const weft_dataset_opts *o, weft_dataset *d, weft__texts **out)
{
    weft_status s = check_opts(&o->text);
    if (s) return s;
    weft__texts *t = calloc(1, sizeof *t);
    if (!t) return no_memory(d->path);
    pthread_mutex_init(&t->lock, NULL);
    t->path = d->path;
    t->target = d->target;
    t->most = o->text.max_text_bytes ? o->text.max_text_bytes : DEFAULT_BYTES;
    d->content = t;
    *out = t;
    return WEFT_OK;
}

weft_status weft__texts_open(const char *path, const weft_dataset_opts *o,
                             const weft__sink *sink, weft_dataset *d)
{
    weft__text_files files = {0};
    weft__texts *t = NULL;
    weft_status s = make(o, d, &t);
    if (!s) s = weft__text_files_find(path, o, sink, &files);
    if (s) return s;
    s = files.folders ? load_folders(t, o, sink, &files) : load_files(t, o, sink, &files);
    if (!s)
        s = finish(t, o, files.path[WEFT_SUBSET_VAL] != NULL,
                   files.folders ? NULL : files.path[WEFT_SUBSET_TRAIN], sink, d);
    weft__text_files_free(&files);
    return s;
}

weft_status weft__texts_from(const weft_arrays *a, const weft_dataset_opts *o,
                             const weft__sink *sink, weft_dataset *d)
{
    weft__texts *t = NULL;
    weft_status s = make(o, d, &t);
    if (s) return s;
    t->format = "arrays";
    t->arrays = a;
    t->in_arrays = true;
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < a->count[k] && !s; i++) s = weft__texts_add_array(t, o, k, i);
    return s ? s : finish(t, o, a->count[WEFT_SUBSET_VAL] > 0, NULL, sink, d);
}

void weft__texts_close(weft__texts *t)
{
    if (!t) return;
    for (int s = 0; s < 3; s++) free(t->item[s]);
    for (size_t i = 0; i < t->bads; i++) free(t->bad[i].why);
    free(t->bad);
    free(t->odd);
    free(t->file);
    weft__string_table_free(&t->names);
    weft__arena_free(&t->arena);
    weft__tokens_free(t->tokens);
    pthread_mutex_destroy(&t->lock);
    free(t);
}
