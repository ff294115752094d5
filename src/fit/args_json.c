/* args_json.c: the options of a run in a JSON file, so that it can be resumed. */
#include "fit/args.h"

#include "base/file.h"
#include "base/option.h"

#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* A text; one that is not UTF-8 (a path may be anything) becomes a list of its
 * bytes. */
static json_t *text_value(const char *text)
{
    json_t *v = json_string(text);
    if (v) return v;
    v = json_array();
    for (; *text; text++) json_array_append_new(v, json_integer((unsigned char)*text));
    return v;
}

/* Fresh memory, or NULL when v is no text. */
static char *value_text(const json_t *v)
{
    if (json_is_string(v)) return strdup(json_string_value(v));
    size_t n = json_is_array(v) ? json_array_size(v) : 0;
    char *text = n ? malloc(n + 1) : NULL;
    for (size_t i = 0; i < n && text; i++) {
        json_int_t byte = json_integer_value(json_array_get(v, i));
        if (byte < 1 || byte > 255) {
            free(text);
            return NULL;
        }
        text[i] = (char)byte;
        text[i + 1] = '\0';
    }
    return text;
}

/* A run may be resumed from another folder. */
static json_t *path_value(const char *path)
{
    char full[PATH_MAX];
    return text_value(realpath(path, full) ? full : path);
}

/* NULL: nothing was chosen. */
static json_t *value_of(const weft_option *o, const void *values)
{
    const char *at = (const char *)values + o->offset, *text;
    double x;
    switch (o->kind) {
    case WEFT_OPTION_HEADING:
        return NULL;
    case WEFT_OPTION_FLAG:
        return *(const bool *)at ? json_true() : NULL;
    case WEFT_OPTION_TEXT:
    case WEFT_OPTION_CHOICE:
        text = *(char *const *)at;
        return !text ? NULL : o->path ? path_value(text) : text_value(text);
    case WEFT_OPTION_INT:
        x = *(const int *)at;
        return x < o->low || x > o->high ? NULL : json_integer(*(const int *)at);
    case WEFT_OPTION_SEED:
        return json_integer((json_int_t) * (const uint64_t *)at);
    case WEFT_OPTION_REAL:
        x = *(const double *)at;
        return x < o->low || x > o->high ? NULL : json_real(x);
    case WEFT_OPTION_BYTES:
        return json_integer((json_int_t) * (const size_t *)at);
    }
    return NULL;
}

weft_status weft__fit_args_write(const weft_fit_args *a, const char *path,
                                 const char *data, const weft__modality *m,
                                 const weft__task *t)
{
    const weft_option *table = weft_fit_options();
    json_t *root = json_object();
    json_object_set_new_nocheck(root, "data", path_value(data));
    for (int i = 0; table[i].name || table[i].help; i++) {
        bool stored = table[i].name && !table[i].once && !weft__fit_foreign(i, m, t);
        json_t *v = stored ? value_of(&table[i], a->block) : NULL;
        if (v) json_object_set_new_nocheck(root, table[i].name, v);
    }
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    weft_status s = text ? weft__file_replace(path, text, strlen(text))
                         : weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    free(text);
    json_decref(root);
    return s;
}

static bool take_text(const weft_option *o, const json_t *v, weft_fit_args *a)
{
    char *text = value_text(v);
    const char *copy =
        text ? weft__arena_text(&a->arena, weft__choice_now(o, text)) : NULL;
    free(text);
    if (!copy) return false;
    *(const char **)((char *)a->block + o->offset) = copy;
    return !o->choices || weft__choice_parse(o->choices, copy);
}

static bool fits(const weft_option *o, const json_t *v, weft_fit_args *a)
{
    char *at = (char *)a->block + o->offset;
    double x = json_number_value(v);
    switch (o->kind) {
    case WEFT_OPTION_HEADING:
        return false;
    case WEFT_OPTION_FLAG:
        *(bool *)at = json_is_true(v);
        return json_is_boolean(v);
    case WEFT_OPTION_TEXT:
    case WEFT_OPTION_CHOICE:
        return take_text(o, v, a);
    case WEFT_OPTION_INT:
        if (!json_is_integer(v) || x < o->low || x > o->high) return false;
        *(int *)at = (int)json_integer_value(v);
        return true;
    case WEFT_OPTION_SEED:
        *(uint64_t *)at = (uint64_t)json_integer_value(v);
        return json_is_integer(v);
    case WEFT_OPTION_REAL:
        if (!json_is_number(v) || x < o->low || x > o->high) return false;
        *(double *)at = x;
        return true;
    case WEFT_OPTION_BYTES:
        if (!json_is_integer(v) || json_integer_value(v) < 0) return false;
        *(size_t *)at = (size_t)json_integer_value(v);
        return true;
    }
    return false;
}

weft_status weft__fit_args_read(weft_fit_args *a, const char *path, char **data)
{
    unsigned char *text = NULL;
    size_t bytes = 0;
    json_error_t error;
    const char *key;
    json_t *v;
    weft_status s = weft__file_read(path, 1 << 20, &text, &bytes);
    if (s) return s;
    json_t *root = json_loadb((char *)text, bytes, JSON_REJECT_DUPLICATES, &error);
    free(text);
    if (!json_is_object(root))
        s = weft__fail(WEFT_EUSAGE, "%s:%d: %s", path, root ? 1 : error.line,
                       root ? "not an object" : error.text);
    char *from = value_text(json_object_get(root, "data"));
    if (!s && !from) s = weft__fail(WEFT_EUSAGE, "%s: does not say \"data\"", path);
    json_object_foreach(s ? NULL : root, key, v)
    {
        const weft_option *o = weft_option_find(weft_fit_options(), key, strlen(key));
        if (s || !strcmp(key, "data")) continue;
        if (!o || o->once)
            s = weft__fail(WEFT_EUSAGE, "%s: unknown key %.60s", path, key);
        else if (!fits(o, v, a))
            s = weft__fail(WEFT_EUSAGE, "%s: %s has a value that is not allowed", path,
                           key);
    }
    if (s)
        free(from);
    else
        *data = from;
    json_decref(root);
    return s;
}
