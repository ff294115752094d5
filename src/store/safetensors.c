/* safetensors.c: reads and writes the header of safetensors files. */
#include "store/safetensors.h"

#include "base/checked.h"

#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64, MOST_TENSORS = 1000000 };

size_t weft__st_type_bytes(const char *type)
{
    static const struct {
        const char *name;
        size_t bytes;
    } types[] = {{"F32", 4}, {"F64", 8}, {"F16", 2}, {"BF16", 2}, {"I64", 8},
                 {"I32", 4}, {"I16", 2}, {"I8", 1},  {"U64", 8},  {"U32", 4},
                 {"U16", 2}, {"U8", 1},  {"BOOL", 1}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(types[i].name, type)) return types[i].bytes;
    return 0;
}

void weft__st_free(weft__st_file *f)
{
    weft_meta_free(f->meta);
    weft__arena_free(&f->arena);
    *f = (weft__st_file){0};
}

/* ---- reading ---- */

static weft_status damaged(const char *name, const char *what)
{
    return weft__fail(WEFT_EMODEL, "section %s: %s", name, what);
}

static weft_status read_meta(weft__st_file *f, json_t *object)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return damaged("header", "__metadata__ is not an object");
    json_object_foreach(object, key, value)
    {
        if (!json_is_string(value))
            return damaged("header", "metadata that are not text");
        if (!*key) return damaged("header", "metadata without a name");
        weft_status s = weft_meta_set(f->meta, key, json_string_value(value));
        if (s) return s == WEFT_EUSAGE ? WEFT_EMODEL : s;
    }
    return WEFT_OK;
}

static bool natural(const json_t *value, int64_t *out)
{
    *out = json_is_integer(value) ? json_integer_value(value) : -1;
    return *out >= 0;
}

static weft_status read_shape(const char *name, const json_t *shape, weft__st_entry *e)
{
    if (!json_is_array(shape) || json_array_size(shape) > WEFT_MAX_RANK)
        return damaged(name, "no shape, or one of too many dimensions");
    e->rank = (int)json_array_size(shape);
    for (int i = 0; i < e->rank; i++)
        if (!natural(json_array_get(shape, (size_t)i), &e->dim[i]))
            return damaged(name, "a dimension is not a natural number");
    return WEFT_OK;
}

static weft_status read_entry(weft__st_file *f, const char *name, const json_t *object,
                              weft__st_entry *e)
{
    const char *type = json_string_value(json_object_get(object, "dtype"));
    const json_t *offsets = json_object_get(object, "data_offsets");
    size_t size = type ? weft__st_type_bytes(type) : 0, count, bytes;
    int64_t begin, end;
    if (!*name) return damaged("header", "a tensor without a name");
    if (!size) return damaged(name, "unknown data type");
    if (json_array_size(offsets) != 2 || !natural(json_array_get(offsets, 0), &begin) ||
        !natural(json_array_get(offsets, 1), &end) || end < begin)
        return damaged(name, "data_offsets are not two rising numbers");
    weft_status s = read_shape(name, json_object_get(object, "shape"), e);
    if (s) return s;
    if (!weft__count64(e->dim, e->rank, &count) || !weft__mul(count, size, &bytes))
        return damaged(name, "too many elements");
    if (bytes != (uint64_t)(end - begin))
        return weft__fail(WEFT_EMODEL, "section %s: %lld bytes, its shape needs %zu",
                          name, (long long)(end - begin), bytes);
    e->begin = (uint64_t)begin;
    e->end = (uint64_t)end;
    e->name = weft__arena_text(&f->arena, name);
    e->type = weft__arena_text(&f->arena, type);
    if (!e->name || !e->type) return weft__fail(WEFT_ENOMEM, "no memory for a header");
    return WEFT_OK;
}

static int by_place(const void *a, const void *b)
{
    const weft__st_entry *p = a, *q = b;
    if (p->begin != q->begin) return p->begin < q->begin ? -1 : 1;
    return p->end < q->end ? -1 : p->end > q->end;
}

static weft_status check_places(const weft__st_file *f, uint64_t data_bytes)
{
    uint64_t at = 0;
    for (int i = 0; i < f->count; i++) {
        const weft__st_entry *e = &f->entry[i];
        if (e->begin != at)
            return weft__fail(WEFT_EMODEL,
                              "section %s: begins at %llu, the one before ends at "
                              "%llu",
                              e->name, (unsigned long long)e->begin,
                              (unsigned long long)at);
        if (e->end > data_bytes)
            return weft__fail(
                WEFT_EMODEL, "section %s: ends at %llu, the data have %llu bytes",
                e->name, (unsigned long long)e->end, (unsigned long long)data_bytes);
        at = e->end;
    }
    if (at != data_bytes)
        return weft__fail(WEFT_EMODEL, "%llu bytes of data belong to no section",
                          (unsigned long long)(data_bytes - at));
    return WEFT_OK;
}

static weft_status read_entries(weft__st_file *f, json_t *root)
{
    const char *name;
    json_t *value;
    size_t count = json_object_size(root);
    if (count > MOST_TENSORS)
        return weft__fail(WEFT_ENOMEM, "more than a million tensors");
    f->entry = weft__arena_alloc(&f->arena, (count + 1) * sizeof *f->entry);
    if (!f->entry) return weft__fail(WEFT_ENOMEM, "no memory for a header");
    json_object_foreach(root, name, value)
    {
        bool meta = !strcmp(name, "__metadata__");
        weft_status s =
            meta ? read_meta(f, value) : read_entry(f, name, value, &f->entry[f->count]);
        if (s) return s;
        f->count += !meta;
    }
    qsort(f->entry, (size_t)f->count, sizeof *f->entry, by_place);
    return WEFT_OK;
}

static uint64_t length_at(const unsigned char *p)
{
    uint64_t n = 0;
    for (int i = 0; i < 8; i++) n |= (uint64_t)p[i] << (8 * i);
    return n;
}

weft_status weft__st_parse(const void *data, size_t have, uint64_t bytes,
                           weft__st_file *out)
{
    *out = (weft__st_file){0};
    if (have < 8) return damaged("header", "the file is shorter than 8 bytes");
    uint64_t length = length_at(data);
    if (length > WEFT_ST_HEADER_MAX || length > have - 8 || length + 8 > bytes)
        return weft__fail(WEFT_EMODEL, "section header: %llu bytes, the file has %llu",
                          (unsigned long long)length, (unsigned long long)bytes);
    json_error_t error;
    json_t *root = json_loadb((const char *)data + 8, (size_t)length,
                              JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(root)) {
        json_decref(root);
        return weft__fail(WEFT_EMODEL, "section header: %s",
                          root ? "not an object" : error.text);
    }
    out->data = (size_t)length + 8;
    out->meta = weft_meta_new();
    weft_status s = out->meta ? read_entries(out, root)
                              : weft__fail(WEFT_ENOMEM, "no memory for a header");
    json_decref(root);
    return s ? s : check_places(out, bytes - out->data);
}

/* ---- writing ---- */

static bool add_meta(json_t *root, const weft_meta *meta)
{
    if (!weft_meta_count(meta)) return true;
    json_t *object = json_object();
    bool ok = object != NULL;
    for (int i = 0; i < weft_meta_count(meta) && ok; i++) {
        const char *key = weft_meta_key(meta, i);
        ok = !json_object_set_new(object, key, json_string(weft_meta_get(meta, key)));
    }
    return !json_object_set_new(root, "__metadata__", object) && ok;
}

static weft_status place(weft__st_entry *e, uint64_t at)
{
    size_t count, bytes;
    if (!weft__count64(e->dim, e->rank, &count) ||
        !weft__mul(count, weft__st_type_bytes(e->type), &bytes) || bytes > INT64_MAX - at)
        return weft__fail(WEFT_ENOMEM, "tensor %s: too large", e->name);
    e->begin = at;
    e->end = at + bytes;
    return WEFT_OK;
}

static bool add_entry(json_t *root, const weft__st_entry *e)
{
    json_t *shape = json_array();
    bool ok = shape && !json_object_get(root, e->name);
    for (int i = 0; i < e->rank && ok; i++)
        ok = !json_array_append_new(shape, json_integer(e->dim[i]));
    json_t *object = json_pack("{s:s, s:o, s:[I, I]}", "dtype", e->type, "shape", shape,
                               "data_offsets", (json_int_t)e->begin, (json_int_t)e->end);
    return !json_object_set_new(root, e->name, object) && ok;
}

/* Eight bytes of length, the text, spaces. */
static weft_status framed(const char *json, unsigned char **text, size_t *bytes)
{
    size_t length = strlen(json), whole = weft__round_up(length + 8, ALIGN);
    if (length > WEFT_ST_HEADER_MAX - ALIGN)
        return weft__fail(WEFT_ENOMEM, "the header would have %zu bytes", length);
    unsigned char *p = malloc(whole);
    if (!p) return weft__fail(WEFT_ENOMEM, "no memory for a header");
    memset(p, ' ', whole);
    for (int i = 0; i < 8; i++) p[i] = (unsigned char)((uint64_t)(whole - 8) >> (8 * i));
    memcpy(p + 8, json, length);
    *text = p;
    *bytes = whole;
    return WEFT_OK;
}

weft_status weft__st_header(const weft_meta *meta, weft__st_entry *entry, int count,
                            unsigned char **text, size_t *bytes)
{
    json_t *root = json_object();
    uint64_t at = 0;
    weft_status s = WEFT_OK;
    if (!root || !add_meta(root, meta))
        s = weft__fail(WEFT_ENOMEM, "no memory for a header");
    for (int i = 0; i < count && !s; i++) {
        s = place(&entry[i], at);
        at = entry[i].end;
        if (!s && !add_entry(root, &entry[i]))
            s = weft__fail(WEFT_EUSAGE,
                           "tensor %s: a name that comes twice or is not UTF-8",
                           entry[i].name);
    }
    char *json = s ? NULL : json_dumps(root, JSON_COMPACT);
    if (!s && !json) s = weft__fail(WEFT_ENOMEM, "no memory for a header");
    if (!s) s = framed(json, text, bytes);
    free(json);
    json_decref(root);
    return s;
}
