/* args_file.c: a command's options in a JSON file, so that a run can be gone on with. */
#include "args_file.h"

#include "base/error.h"
#include "base/file.h"

#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* A text; one that is not UTF-8 (a path may be anything) becomes a list of its bytes. */
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

/* A run may be gone on with from another folder. */
static json_t *path_value(const char *path)
{
    char full[PATH_MAX];
    return text_value(realpath(path, full) ? full : path);
}

/* NULL: nothing was chosen. */
static json_t *value_of(const option_row *o, const void *values)
{
    const char *at = (const char *)values + o->offset, *text;
    double x;
    switch (o->kind) {
    case OPTION_HEADING:
        return NULL;
    case OPTION_FLAG:
        return *(const bool *)at ? json_true() : NULL;
    case OPTION_TEXT:
    case OPTION_CHOICE:
        text = *(char *const *)at;
        return !text ? NULL : o->path ? path_value(text) : text_value(text);
    case OPTION_INT:
        x = *(const int *)at;
        return x < o->low || x > o->high ? NULL : json_integer(*(const int *)at);
    case OPTION_SEED:
        return json_integer((json_int_t) * (const uint64_t *)at);
    case OPTION_REAL:
        x = *(const double *)at;
        return x < o->low || x > o->high ? NULL : json_real(x);
    case OPTION_BYTES:
        return json_integer((json_int_t) * (const size_t *)at);
    }
    return NULL;
}

weft_status args_write(const char *path, const command *c, const void *values,
                       const char *data, bool (*left_out)(const char *name))
{
    json_t *root = json_object();
    json_object_set_new_nocheck(root, "data", path_value(data));
    for (const option_row *o = c->options; o->name || o->help; o++) {
        bool kept = o->name && !o->once && !(left_out && left_out(o->name));
        json_t *v = kept ? value_of(o, values) : NULL;
        if (v) json_object_set_new_nocheck(root, o->name, v);
    }
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    weft_status s = text ? weft__file_replace(path, text, strlen(text))
                         : weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    free(text);
    json_decref(root);
    return s;
}

static bool fits(const option_row *o, const json_t *v, void *values, args_texts *texts)
{
    char *at = (char *)values + o->offset, *text;
    double x = json_number_value(v);
    switch (o->kind) {
    case OPTION_HEADING:
        return false;
    case OPTION_FLAG:
        *(bool *)at = json_is_true(v);
        return json_is_boolean(v);
    case OPTION_TEXT:
    case OPTION_CHOICE:
        text = value_text(v);
        if (!text || texts->n == sizeof texts->text / sizeof *texts->text) {
            free(text);
            return false;
        }
        texts->text[texts->n++] = text;
        *(char **)at = text;
        return !o->choices || choice_parse(o->choices, text);
    case OPTION_INT:
        if (!json_is_integer(v) || x < o->low || x > o->high) return false;
        *(int *)at = (int)json_integer_value(v);
        return true;
    case OPTION_SEED:
        *(uint64_t *)at = (uint64_t)json_integer_value(v);
        return json_is_integer(v);
    case OPTION_REAL:
        if (!json_is_number(v) || x < o->low || x > o->high) return false;
        *(double *)at = x;
        return true;
    case OPTION_BYTES:
        if (!json_is_integer(v) || json_integer_value(v) < 0) return false;
        *(size_t *)at = (size_t)json_integer_value(v);
        return true;
    }
    return false;
}

static const option_row *row_of(const command *c, const char *key)
{
    for (const option_row *o = c->options; o->name || o->help; o++)
        if (o->name && !strcmp(o->name, key)) return o;
    return NULL;
}

void args_texts_free(args_texts *t)
{
    while (t->n) free(t->text[--t->n]);
}

weft_status args_read(const char *path, const command *c, void *values, args_texts *texts,
                      char **data)
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
        const option_row *o = row_of(c, key);
        if (s || !strcmp(key, "data")) continue;
        if (!o || o->once)
            s = weft__fail(WEFT_EUSAGE, "%s: unknown key %.60s", path, key);
        else if (!fits(o, v, values, texts))
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
