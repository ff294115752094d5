/* args_file.c: a command's options in a JSON file, so that a run can be gone on with. */
#include "args_file.h"

#include "base/error.h"
#include "base/file.h"

#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static json_t *value_of(const option_row *o, const void *values)
{
    const char *at = (const char *)values + o->offset;
    switch (o->kind) {
    case OPTION_HEADING:
        return NULL;
    case OPTION_FLAG:
        return *(const bool *)at ? json_true() : NULL;
    case OPTION_TEXT:
    case OPTION_CHOICE:
        return *(char *const *)at ? json_string_nocheck(*(char *const *)at) : NULL;
    case OPTION_INT:
        return *(const int *)at ? json_integer(*(const int *)at) : NULL;
    case OPTION_SEED:
        return json_integer((json_int_t) * (const uint64_t *)at);
    case OPTION_REAL:
        return json_real(*(const double *)at);
    case OPTION_BYTES:
        return json_integer((json_int_t) * (const size_t *)at);
    }
    return NULL;
}

weft_status args_write(const char *path, const command *c, const void *values,
                       const char *data)
{
    char full[PATH_MAX];
    json_t *root = json_object();
    json_object_set_new_nocheck(root, "data",
                                json_string_nocheck(realpath(data, full) ? full : data));
    for (const option_row *o = c->options; o->name || o->help; o++) {
        json_t *v = o->name ? value_of(o, values) : NULL;
        if (v) json_object_set_new_nocheck(root, o->name, v);
    }
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    weft_status s = text ? weft__file_replace(path, text, strlen(text))
                         : weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    free(text);
    json_decref(root);
    return s;
}

static bool fits(const option_row *o, const json_t *v, void *values)
{
    char *at = (char *)values + o->offset;
    switch (o->kind) {
    case OPTION_HEADING:
        return false;
    case OPTION_FLAG:
        *(bool *)at = json_is_true(v);
        return json_is_boolean(v);
    case OPTION_TEXT:
    case OPTION_CHOICE:
        if (!json_is_string(v)) return false;
        *(char **)at = strdup(json_string_value(v));
        return *(char **)at != NULL;
    case OPTION_INT:
        if (!json_is_integer(v) || (double)json_integer_value(v) < o->low ||
            (double)json_integer_value(v) > o->high)
            return false;
        *(int *)at = (int)json_integer_value(v);
        return true;
    case OPTION_SEED:
        *(uint64_t *)at = (uint64_t)json_integer_value(v);
        return json_is_integer(v);
    case OPTION_REAL:
        *(double *)at = json_number_value(v);
        return json_is_number(v);
    case OPTION_BYTES:
        *(size_t *)at = (size_t)json_integer_value(v);
        return json_is_integer(v);
    }
    return false;
}

static const option_row *row_of(const command *c, const char *key)
{
    for (const option_row *o = c->options; o->name || o->help; o++)
        if (o->name && !strcmp(o->name, key)) return o;
    return NULL;
}

weft_status args_read(const char *path, const command *c, void *values, char **data)
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
    const char *from = json_string_value(json_object_get(root, "data"));
    if (!s && !from) s = weft__fail(WEFT_EUSAGE, "%s: does not say \"data\"", path);
    json_object_foreach(s ? NULL : root, key, v)
    {
        const option_row *o = row_of(c, key);
        if (s || !strcmp(key, "data")) continue;
        if (!o)
            s = weft__fail(WEFT_EUSAGE, "%s: unknown key %.60s", path, key);
        else if (!fits(o, v, values))
            s = weft__fail(WEFT_EUSAGE, "%s: %s has a value that is not allowed", path,
                           key);
    }
    if (!s && !(*data = strdup(from)))
        s = weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    json_decref(root);
    return s;
}
