/* json.h: writes one JSON value, compactly, into memory. */
#ifndef WEFT_SRC_BASE_JSON_H
#define WEFT_SRC_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct weft__json {
    char *text;
    size_t used, room;
    bool failed; /* out of memory: later calls do nothing */
    bool comma;  /* a value stands before, on the same level */
} weft__json;

/* key NULL: an element of a list, or the outermost value. Texts that are not UTF-8
 * have their invalid bytes escaped as \xNN first. */
void weft__json_object(weft__json *w, const char *key);
void weft__json_object_end(weft__json *w);
void weft__json_list(weft__json *w, const char *key);
void weft__json_list_end(weft__json *w);
void weft__json_text(weft__json *w, const char *key, const char *value);
void weft__json_int(weft__json *w, const char *key, int64_t value);
/* `digits` significant ones; null when value is not finite. */
void weft__json_real(weft__json *w, const char *key, double value, int digits);
void weft__json_bool(weft__json *w, const char *key, bool value);
void weft__json_null(weft__json *w, const char *key);
/* Puts a value that is JSON already. */
void weft__json_raw(weft__json *w, const char *key, const char *json);
/* The text, fresh memory that is the caller's; NULL when out of memory. w is empty
 * then. */
char *weft__json_take(weft__json *w);

#endif
