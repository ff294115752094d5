/* steps.c: what sequences of different lengths are written with: masks and indices
 * made from their lengths, once for all that read them. */
#include "store/onnx/write.h"

#include "base/checked.h"

#include <stdlib.h>
#include <string.h>

typedef weft__onnx_made made;

static const char *find(const weft__onnx_writer *w, const made *like)
{
    for (int i = 0; i < w->mades; i++) {
        const made *m = &w->made[i];
        if (m->lengths == like->lengths && m->form == like->form &&
            m->steps == like->steps && m->rank == like->rank)
            return m->name;
    }
    return NULL;
}

static void keep(weft__onnx_writer *w, const made *m)
{
    if (w->mades == w->made_room) {
        int room = w->made_room ? w->made_room * 2 : 16;
        made *more = weft__onnx_memory(w, (size_t)room * sizeof *more);
        if (!more) return;
        if (w->mades) memcpy(more, w->made, (size_t)w->mades * sizeof *more);
        w->made = more;
        w->made_room = room;
    }
    w->made[w->mades++] = *m;
}

/* Unsqueeze of what `from` names, with ones from axis `first` on. */
static const char *widened(weft__onnx_writer *w, const char *from, int first, int rank)
{
    int axis[WEFT_MAX_RANK];
    const char *name = NULL;
    for (int i = first; i < rank; i++) axis[i - first] = i;
    weft__onnx_begin(w, "Unsqueeze");
    weft__onnx_add_named(w, from);
    weft__onnx_add_ints(w, "axes", axis, rank - first);
    weft__onnx_end(w, &name, 1);
    return name;
}

static const char *mask(weft__onnx_writer *w, int lengths, int steps, int rank)
{
    if (rank > 2) {
        const char *flat = weft__onnx_steps(w, lengths, WEFT_ONNX_MASK, steps, 2);
        return widened(w, flat, 2, rank);
    }
    const char *column = weft__onnx_steps(w, lengths, WEFT_ONNX_COLUMN, 0, 0);
    const char *name = NULL;
    int *step = weft__alloc((size_t)steps, sizeof *step);
    if (!step) {
        weft__onnx_write_fail(w, WEFT_ENOMEM, "no memory to write the model");
        return NULL;
    }
    for (int i = 0; i < steps; i++) step[i] = i;
    weft__onnx_begin(w, "Less");
    weft__onnx_add_ints(w, "steps", step, steps);
    weft__onnx_add_named(w, column);
    weft__onnx_end(w, &name, 1);
    free(step);
    return name;
}

static const char *less_one(weft__onnx_writer *w, int lengths)
{
    const char *name = NULL;
    weft__onnx_begin(w, "Sub");
    weft__onnx_add_named(w, weft__onnx_value_name(w, lengths));
    weft__onnx_add_int(w, "one", 1);
    weft__onnx_end(w, &name, 1);
    return widened(w, name, 1, 2);
}

static const char *as_floats(weft__onnx_writer *w, int lengths)
{
    const char *column = weft__onnx_steps(w, lengths, WEFT_ONNX_COLUMN, 0, 0);
    const char *name = NULL;
    weft__onnx_begin(w, "Cast");
    weft__onnx_add_named(w, column);
    weft__onnx_put_int(w, "to", PB_FLOAT);
    weft__onnx_end(w, &name, 1);
    return name;
}

const char *weft__onnx_write_steps(weft__onnx_writer *w, int lengths,
                                   weft__onnx_form form, int steps, int rank)
{
    made m = {.lengths = lengths, .form = form, .steps = steps, .rank = rank};
    m.name = find(w, &m);
    if (m.name || w->status) return m.name;
    switch (form) {
    case WEFT_ONNX_NUMBER:
        m.name = weft__onnx_value_name(w, lengths);
        break;
    case WEFT_ONNX_MASK:
        m.name = mask(w, lengths, steps, rank);
        break;
    case WEFT_ONNX_COLUMN:
        m.name = widened(w, weft__onnx_value_name(w, lengths), 1, 2);
        break;
    case WEFT_ONNX_REAL:
        m.name = as_floats(w, lengths);
        break;
    case WEFT_ONNX_LAST:
        m.name = less_one(w, lengths);
        break;
    }
    if (m.name) keep(w, &m);
    return m.name;
}
