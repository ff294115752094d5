/* meta.c: text facts by name. */
#include "weft/store.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

typedef struct fact {
    char *key, *value;
} fact;

struct weft_meta {
    fact *fact;
    int count, room;
};

weft_meta *weft_meta_new(void)
{
    return calloc(1, sizeof(weft_meta));
}

void weft_meta_free(weft_meta *m)
{
    if (!m) return;
    for (int i = 0; i < m->count; i++) {
        free(m->fact[i].key);
        free(m->fact[i].value);
    }
    free(m->fact);
    free(m);
}

static fact *find(const weft_meta *m, const char *key)
{
    for (int i = 0; i < m->count; i++)
        if (!strcmp(m->fact[i].key, key)) return &m->fact[i];
    return NULL;
}

static fact *added(weft_meta *m, const char *key)
{
    if (m->count == m->room) {
        int room = m->room ? m->room * 2 : 16;
        fact *more = realloc(m->fact, (size_t)room * sizeof *more);
        if (!more) return NULL;
        m->fact = more;
        m->room = room;
    }
    fact *f = &m->fact[m->count];
    *f = (fact){.key = strdup(key)};
    if (!f->key) return NULL;
    m->count++;
    return f;
}

/* Well-formed UTF-8: ONNX and JSON allow nothing else in a text. */
static bool is_utf8(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    while (*s) {
        int more = *s < 0x80                 ? 0
                   : *s >= 0xc2 && *s < 0xe0 ? 1
                   : *s >= 0xe0 && *s < 0xf0 ? 2
                   : *s >= 0xf0 && *s < 0xf5 ? 3
                                             : -1;
        if (more < 0) return false;
        if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
            (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
            return false;
        for (s++; more--; s++)
            if ((*s & 0xc0) != 0x80) return false;
    }
    return true;
}

weft_status weft_meta_set(weft_meta *m, const char *key, const char *value)
{
    if (!key || !*key || !value)
        return weft__fail(WEFT_EUSAGE, "metadata: a key or value is missing");
    if (!is_utf8(key) || !is_utf8(value))
        return weft__fail(WEFT_EUSAGE, "metadata %s: is not UTF-8", key);
    char *copy = strdup(value);
    fact *f = find(m, key);
    if (copy && !f) f = added(m, key);
    if (!copy || !f) {
        free(copy);
        return weft__fail(WEFT_ENOMEM, "metadata %s: out of memory", key);
    }
    free(f->value);
    f->value = copy;
    return WEFT_OK;
}

const char *weft_meta_get(const weft_meta *m, const char *key)
{
    const fact *f = m ? find(m, key) : NULL;
    return f ? f->value : NULL;
}

int weft_meta_count(const weft_meta *m)
{
    return m ? m->count : 0;
}

const char *weft_meta_key(const weft_meta *m, int i)
{
    return m && i >= 0 && i < m->count ? m->fact[i].key : NULL;
}
