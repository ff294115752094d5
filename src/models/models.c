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

int weft_model_total(void)
{
    return COUNT;
}

weft_model_info weft_model_info_at(int i)
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

bool weft_model_is_text(const char *name)
{
    const weft__model *m = find(name);
    return m && m->read;
}

bool weft_text_model_takes(const char *model, const char *option)
{
    const weft__model *m = find(model);
    return m && m->read && weft__text_takes(m, option);
}

static weft_status finish(weft_graph *g, weft_val y, weft_val *logits)
{
    weft_output(g, y, "logits");
    if (!weft_graph_status(g)) *logits = y;
    return weft_graph_status(g);
}

weft_status weft_model_build(weft_graph *g, const char *name, const weft_model_opts *opts,
                             weft_val *logits)
{
    const weft__model *m = find(name);
    if (!m) return unknown(name);
    if (!m->build) return weft__fail(WEFT_EUSAGE, "%s: is a model for texts", name);
    weft_model_opts o = opts ? *opts : (weft_model_opts){0};
    if (!o.classes) o.classes = 10;
    if (!o.channels) o.channels = m->info.channels;
    if (!o.height) o.height = m->info.height;
    if (!o.width) o.width = m->info.width;
    if (o.classes < 1) return weft__fail(WEFT_EUSAGE, "%s: %d classes", name, o.classes);
    weft_val x = weft_input(g, "x", WEFT_SHAPE(0, o.channels, o.height, o.width));
    return finish(g, m->build(g, x, &o), logits);
}

weft_status weft_text_model_build(weft_graph *g, const char *name,
                                  const weft_text_model_opts *opts, weft_val *logits)
{
    const weft_text_model_opts none = {0};
    const weft__model *m = find(name);
    if (!m) return unknown(name);
    if (!m->read) return weft__fail(WEFT_EUSAGE, "%s: is a model for pictures", name);
    return finish(g, weft__text_build(g, m, opts ? opts : &none), logits);
}
