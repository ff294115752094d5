/* jsonl.c: reads lines that are JSON objects, through jansson. */
#include "data/text/formats/rows.h"
#include "base/checked.h"
#include "base/error.h"
#include "data/text/tokenizer/utf8.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static bool sniff(const char *head, size_t bytes)
{
    const char *line;
    size_t n;
    int lines = 0;
    while (weft__head_line(&head, &bytes, &line, &n)) {
        if (*line != '{') return false;
        lines++;
    }
    return lines > 0;
}

/* The number of a key's column; -1 when there are too many. */
static int column_of(weft__rows *r, const char *key)
{
    for (int i = 0; i < r->keys; i++)
        if (!strcmp(r->key[i], key)) return i;
    if (r->keys == WEFT_MOST_COLUMNS) return -1;
    r->key[r->keys] = weft__arena_text(&r->arena, key);
    return r->key[r->keys] ? r->keys++ : -1;
}

/* A value as text: texts as they are, whole numbers and truth values as words, other
 * numbers where they are wanted; others are no field. *own (to be freed) is what the
 * text may stand in. */
static const char *text_of(const weft__rows *r, const json_t *value, char **own)
{
    size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(17);
    if (json_is_string(value)) return json_string_value(value);
    if (json_is_boolean(value)) return json_is_true(value) ? "true" : "false";
    if (json_is_integer(value) || (json_is_real(value) && r->reals))
        *own = json_dumps(value, flags);
    return *own;
}

static weft_status put(weft__rows *r, weft__field *f, const json_t *value)
{
    char *own = NULL;
    const char *text = text_of(r, value, &own);
    size_t bytes = json_is_string(value) ? json_string_length(value)
                   : text                ? strlen(text)
                                         : 0;
    weft_status s = WEFT_OK;
    if (!text) return WEFT_OK;
    *f = (weft__field){r->used, bytes, true, false};
    if (bytes > r->most) f->bytes = r->most, f->cut = true;
    while (r->room - r->used < f->bytes && !s) s = weft__rows_grow(r);
    if (!s) {
        memcpy(r->text + r->used, text, f->bytes);
        r->used += f->bytes;
    }
    free(own);
    return s;
}

static weft_status take(weft__rows *r, json_t *object)
{
    const char *key;
    json_t *value;
    for (int i = 0; i < WEFT_MOST_COLUMNS; i++) r->field[i] = (weft__field){0};
    json_object_foreach(object, key, value)
    {
        int c = column_of(r, key);
        weft_status s = c < 0 ? WEFT_OK : put(r, &r->field[c], value);
        if (s) return s;
    }
    r->fields = r->keys;
    if (!r->keys) weft__rows_bad(r, "an object without fields");
    return WEFT_OK;
}

/* The line into r->text; false with r->why when it is too long. */
static bool fetch(weft__rows *r, size_t most, weft_status *s)
{
    int c;
    while ((c = weft__stream_byte(&r->in)) >= 0 && c != '\n') {
        if (r->used == most) {
            weft__rows_bad(r, "a line of more than %zu bytes", most);
            weft__stream_skip_line(&r->in);
            return false;
        }
        if (r->used == r->room && (*s = weft__rows_grow(r))) return false;
        r->text[r->used++] = (char)c;
    }
    return true;
}

/* JSON is UTF-8 or nothing: what is not is replaced before it is looked at. */
static weft_status repair(weft__rows *r)
{
    char *whole;
    if (weft__utf8_good(r->text, r->used) == r->used) return WEFT_OK;
    whole = weft__alloc(r->used * 3, 1);
    if (!whole)
        return weft__fail(WEFT_ENOMEM, "%s:%d: no memory for the row", r->in.path,
                          r->line);
    r->room = r->used * 3;
    r->used = weft__utf8_repair(r->text, r->used, whole, r->room, &r->replaced, NULL);
    free(r->text);
    r->text = whole;
    return WEFT_OK;
}

static weft_status next(weft__rows *r)
{
    json_error_t error;
    json_t *object;
    weft_status s = WEFT_OK;
    size_t most = r->most < SIZE_MAX / 16 ? r->most * 8 + 65536 : SIZE_MAX / 2;
    if (!weft__rows_line(r) || !fetch(r, most, &s)) return s;
    s = repair(r);
    if (s) return s;
    object =
        json_loadb(r->text, r->used, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    r->used = 0;
    if (!object)
        weft__rows_bad(r, "not JSON: %s (column %d)", error.text, error.column);
    else if (!json_is_object(object))
        weft__rows_bad(r, "a JSON value that is not an object");
    else
        s = take(r, object);
    json_decref(object);
    return s;
}

const weft__text_reader weft_text_reader_jsonl = {
    .name = "jsonl",
    .suffixes = "jsonl ndjson",
    .sniff = sniff,
    .named = true,
    .next = next,
};
