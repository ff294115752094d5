/* models.c: the table of ready networks, and building one by name. */
#include "models/model.h"

#include "base/error.h"
#include "base/nearest.h"
#include "ops/op.h"

#include <string.h>

#define MODEL(name) extern const weft__model weft__model_##name;
#include "models/table.def"
#undef MODEL

static const weft__model *const table[] = {
#define MODEL(name) &weft__model_##name,
#include "models/table.def"
#undef MODEL
};

enum { COUNT = sizeof table / sizeof *table };

int weft_zoo_total(void)
{
    return COUNT;
}

weft_zoo_info weft_zoo_info_at(int i)
{
    return table[i]->info;
}

static weft_status unknown(const char *name)
{
    const char *names[COUNT];
    for (int i = 0; i < COUNT; i++) names[i] = table[i]->info.name;
    const char *near = weft__nearest(name, names, COUNT);
    return weft__fail(WEFT_EUSAGE, "%s: there is no such model. %s%s%s", name,
                      near ? "Did you mean " : "See `weft help models`", near ? near : "",
                      near ? "?" : ".");
}

static const weft__model *find(const char *name)
{
    for (int i = 0; i < COUNT; i++)
        if (!strcmp(table[i]->info.name, name)) return table[i];
    return NULL;
}

const char *weft_zoo_modality(const char *name)
{
    const weft__model *m = find(name);
    return !m ? NULL : m->read ? "text" : "image";
}

bool weft_zoo_takes(const char *name, const char *option)
{
    const weft__model *m = find(name);
    return m && m->read && weft__text_takes(m, option);
}

static weft_value build_image(weft_graph *g, const weft__model *m,
                              const weft_zoo_opts *opts)
{
    weft_zoo_opts o = *opts;
    if (!o.outputs) o.outputs = 10;
    if (!o.channels) o.channels = m->info.channels;
    if (!o.height) o.height = m->info.height;
    if (!o.width) o.width = m->info.width;
    if (o.outputs < 1)
        return weft__graph_fail(
            g, weft__fail(WEFT_EUSAGE, "%s: %d outputs", m->info.name, o.outputs));
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, o.channels, o.height, o.width));
    return m->build(g, x, &o);
}

weft_status weft_zoo_build(weft_graph *g, const char *name, const weft_zoo_opts *opts,
                           weft_value *out)
{
    const weft_zoo_opts none = {0};
    const weft__model *m = find(name);
    if (!m) return unknown(name);
    if (!opts) opts = &none;
    weft_value y = m->build ? build_image(g, m, opts) : weft__text_build(g, m, opts);
    weft_output(g, y, "logits");
    if (!weft_graph_status(g)) *out = y;
    return weft_graph_status(g);
}
