/* meta_list.c: lists as JSON arrays in a model's metadata. */
#include "store/meta_list.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static weft_status set_json(weft_meta *m, const char *key, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(9));
    weft_status s = text ? weft_meta_set(m, key, text)
                         : weft__fail(WEFT_ENOMEM, "metadata: out of memory");
    free(text);
    json_decref(value);
    return s;
}

weft_status weft__meta_set_texts(weft_meta *m, const char *key, const char *const *text,
                                 int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        json_t *word = json_string(text[i]);
        if (!word) {
            json_decref(list);
            return weft__fail(WEFT_EUSAGE, "%s: item %d is not UTF-8", key, i);
        }
        json_array_append_new(list, word);
    }
    return set_json(m, key, list);
}

weft_status weft__meta_set_floats(weft_meta *m, const char *key, const float *x, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++) json_array_append_new(list, json_real((double)x[i]));
    return set_json(m, key, list);
}

static json_t *list_of(const weft_meta *m, const char *key)
{
    const char *text = weft_meta_get(m, key);
    return text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

static json_t *item(json_t *list, int i)
{
    return json_is_array(list) ? json_array_get(list, (size_t)i) : NULL;
}

char **weft__meta_get_texts(const weft_meta *m, const char *key, int n)
{
    json_t *list = list_of(m, key);
    char **text = calloc((size_t)n + 1, sizeof *text);
    for (int i = 0; i < n && text; i++) {
        const char *word = json_string_value(item(list, i));
        text[i] = word ? strdup(word) : NULL;
    }
    json_decref(list);
    return text;
}

void weft__meta_get_floats(const weft_meta *m, const char *key, float *x, int n,
                           float otherwise)
{
    json_t *list = list_of(m, key);
    for (int i = 0; i < n; i++) {
        json_t *number = item(list, i);
        x[i] = json_is_number(number) ? (float)json_number_value(number) : otherwise;
    }
    json_decref(list);
}
