/* json.c: writes one JSON value, compactly, into memory. */
#include "base/json.h"

#include "base/error.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(weft__json *w, const char *text, size_t n)
{
    if (w->failed) return;
    if (w->room - w->used < n + 1) {
        size_t room = w->room * 2 + n + 256;
        char *more = realloc(w->text, room);
        if (!more) {
            w->failed = true;
            return;
        }
        w->text = more;
        w->room = room;
    }
    memcpy(w->text + w->used, text, n);
    w->used += n;
    w->text[w->used] = '\0';
}

static void put_text(weft__json *w, const char *text)
{
    put(w, text, strlen(text));
}

/* text is valid UTF-8. */
static void put_quoted(weft__json *w, const char *text)
{
    put(w, "\"", 1);
    for (const char *c = text; *c; c++) {
        char escape[8];
        const char *named = strchr("\bb\ff\nn\rr\tt", *c);
        if (*c == '"' || *c == '\\')
            snprintf(escape, sizeof escape, "\\%c", *c);
        else if ((unsigned char)*c < 32 && named)
            snprintf(escape, sizeof escape, "\\%c", named[1]);
        else if ((unsigned char)*c < 32)
            snprintf(escape, sizeof escape, "\\u%04X", (unsigned)*c);
        else
            snprintf(escape, sizeof escape, "%c", *c);
        put_text(w, escape);
    }
    put(w, "\"", 1);
}

static bool is_plain(const char *text)
{
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c >= 127) return false;
    return true;
}

static void put_foreign(weft__json *w, const char *text)
{
    if (is_plain(text)) {
        put_quoted(w, text);
        return;
    }
    size_t room = 4 * strlen(text) + 1;
    char *safe = malloc(room);
    if (safe)
        put_quoted(w, weft__escape(safe, room, text));
    else
        w->failed = true;
    free(safe);
}

static void begin(weft__json *w, const char *key)
{
    if (w->comma) put(w, ",", 1);
    if (key) {
        put_foreign(w, key);
        put(w, ":", 1);
    }
    w->comma = true;
}

void weft__json_object(weft__json *w, const char *key)
{
    begin(w, key);
    put(w, "{", 1);
    w->comma = false;
}

void weft__json_object_end(weft__json *w)
{
    put(w, "}", 1);
    w->comma = true;
}

void weft__json_list(weft__json *w, const char *key)
{
    begin(w, key);
    put(w, "[", 1);
    w->comma = false;
}

void weft__json_list_end(weft__json *w)
{
    put(w, "]", 1);
    w->comma = true;
}

void weft__json_text(weft__json *w, const char *key, const char *value)
{
    begin(w, key);
    put_foreign(w, value);
}

void weft__json_int(weft__json *w, const char *key, int64_t value)
{
    char text[32];
    begin(w, key);
    snprintf(text, sizeof text, "%" PRId64, value);
    put_text(w, text);
}

void weft__json_real(weft__json *w, const char *key, double value, int digits)
{
    char text[64];
    begin(w, key);
    if (!isfinite(value)) {
        put_text(w, "null");
        return;
    }
    snprintf(text, sizeof text - 2, "%.*g", digits < 17 ? digits : 17, value);
    for (char *c = text; *c; c++)
        if (*c == ',') *c = '.'; /* some locales' decimal point */
    if (!strpbrk(text, ".e"))
        strcat(text, ".0"); /* it stays a real number for every reader */
    put_text(w, text);
}

void weft__json_bool(weft__json *w, const char *key, bool value)
{
    begin(w, key);
    put_text(w, value ? "true" : "false");
}

void weft__json_null(weft__json *w, const char *key)
{
    begin(w, key);
    put_text(w, "null");
}

void weft__json_raw(weft__json *w, const char *key, const char *json)
{
    begin(w, key);
    put_text(w, json);
}

char *weft__json_take(weft__json *w)
{
    char *text = w->failed ? NULL : w->text;
    if (w->failed) free(w->text);
    *w = (weft__json){0};
    return text;
}
