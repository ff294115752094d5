/* flow_page.c: the page of what flows. */
#include "report/flow.h"

#include "report/plot/flow_chart.h"
#include "report/html/page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME = 80, TABLE = 400, GALLERIES = 32, IMAGES = 64, LINES = 12 };

static const char style[] =
    ".pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr)"
    ")"
    ";gap:14px;margin-top:16px}\n.pair>.panel,.pair>figure{margin:0}\n"
    ".pair+.note,figure+.note{margin-top:18px}\n"
    ".strip{display:grid;grid-template-columns:repeat(6,1fr);gap:16px "
    "12px;margin-top:8px}"
    "\n.strip>figure{min-width:0}\n"
    ".strip img{width:100%}\n"
    ".pair .strip{grid-template-columns:repeat(3,1fr)}\n"
    "@media (max-width:760px){.strip{grid-template-columns:repeat(3,1fr)}}\n"
    ".strip figcaption{font-size:12.5px;margin-top:6px;line-height:1.4}\n"
    ".strip figcaption b,.maps figcaption b{font-weight:600;color:var(--text)}\n"
    ".maps figure{margin:14px 0 0;overflow-x:auto}\n"
    ".strip img,.maps img{display:block;max-width:100%;height:auto;border-radius:4px;"
    "image-rendering:pixelated}\n"
    ".side{font-size:13px;color:var(--muted);font-weight:500}\n"
    "details{margin-top:16px}summary{cursor:pointer;color:var(--muted);font-size:14px}\n";

static int at_most(int n, int most)
{
    return n < 0 ? 0 : n < most ? n : most;
}

static void note(weft__text *t, const char *text)
{
    weft__text_add(t, "<p class=\"note\">");
    weft__text_add(t, text);
    weft__text_add(t, "</p>\n");
}

static bool compares(const weft__flow_report *r)
{
    return r->sides > 1;
}

static bool any_tracks(const weft__flow_report *r)
{
    for (int i = 0; i < r->sides; i++)
        if (r->side[i].tracks > 0) return true;
    return false;
}

static bool any_galleries(const weft__flow_report *r)
{
    for (int i = 0; i < r->sides; i++)
        if (r->side[i].galleries > 0) return true;
    return false;
}

/* ---- head ---- */

static void head(weft__text *t, const weft__flow_report *r)
{
    weft__text_add(t, "<header>\n<h1>");
    weft__text_escaped(t, r->title, 160);
    weft__text_add(t, "</h1>\n<p class=\"sub\">");
    weft__text_escaped(t, r->subtitle, 400);
    weft__text_add(t, "</p>\n");
    for (int i = 0; i < r->sides; i++) {
        const weft__flow_side *s = &r->side[i];
        if (compares(r)) {
            weft__text_add(t, "<h3>");
            weft__text_escaped(t, s->name, NAME);
            weft__text_add(t, "</h3>\n");
        }
        weft__tiles(t, s->fact, s->facts);
    }
    weft__text_add(t, "<nav aria-label=\"Sections\">\n<a href=\"#profile\">Layers</a>\n");
    if (any_tracks(r)) weft__text_add(t, "<a href=\"#time\">Along the sequence</a>\n");
    if (any_galleries(r)) weft__text_add(t, "<a href=\"#pictures\">Pictures</a>\n");
    weft__text_add(t, "<a href=\"#weights\">Weights</a>\n<a href=\"#numbers\">All "
                      "numbers</a>\n</nav>\n</header>\n");
}

/* ---- figures ---- */

typedef void drawing(weft__canvas *c, const weft__flow_side *s, const weft__decades *a,
                     const weft__decades *b, double w);

static void profile(weft__canvas *c, const weft__flow_side *s, const weft__decades *a,
                    const weft__decades *b, double w)
{
    weft__draw_profile(c, s, a, b, w);
}

static void heat(weft__canvas *c, const weft__flow_side *s, const weft__decades *a,
                 const weft__decades *b, double w)
{
    (void)b;
    weft__draw_heat(c, s, a, w);
}

/* One wide figure, or two beside each other on the same axes. */
static void figures(weft__text *t, const weft__flow_report *r, int *id, const char *title,
                    const char *words, drawing *draw,
                    double (*height)(const weft__flow_side *s), const weft__decades *a,
                    const weft__decades *b)
{
    const double w = compares(r) ? 520 : 1040;
    weft__text_add(t, compares(r) ? "<div class=\"pair\">\n" : "");
    for (int i = 0; i < r->sides; i++) {
        weft__text_add(t, "<figure class=\"panel scroll\">");
        if (compares(r)) {
            weft__text_add(t, "<h3>");
            weft__text_escaped(t, r->side[i].name, NAME);
            weft__text_add(t, "</h3>\n");
        }
        weft__canvas c = weft__svg_begin(t, w, height(&r->side[i]), ++*id, title, words);
        draw(&c, &r->side[i], a, b, w);
        weft__svg_end(&c);
        weft__text_add(t, "</figure>\n");
    }
    weft__text_add(t, compares(r) ? "</div>\n" : "");
}

static void section_profile(weft__text *t, const weft__flow_report *r, int *id)
{
    weft__decades forth = WEFT__NO_DECADES, back = WEFT__NO_DECADES;
    for (int i = 0; i < r->sides; i++)
        for (int k = 0; k < weft__profile_rows(&r->side[i]); k++) {
            weft__decades_widen(&forth, weft__spread_of(&r->side[i].layer[k]));
            weft__decades_widen(&back, r->side[i].layer[k].gradient);
        }
    weft__section_begin(t, "profile", "Forward and backward, layer by layer");
    note(t, "Read the left panel downwards: data come in at the top, and each dot is the "
            "spread (standard deviation) of what that layer gives out. Read the right "
            "panel upwards: the loss is at the bottom, and each dot is the size of its "
            "gradient with respect to that layer's output, for one sample. A healthy "
            "network keeps both within a few decades; a line that runs off to the left "
            "is a signal, or a gradient, that fades.");
    figures(t, r, id, "Spread and gradient of each layer",
            "A dot per layer for the spread of its output and for the gradient of the "
            "loss; the table of all numbers has the same figures.",
            profile, weft__profile_height, &forth, &back);
    for (int i = 0; i < r->sides; i++)
        if (weft__profile_rows(&r->side[i]) < r->side[i].layers)
            note(t, "Later layers are left out of the figure.");
    weft__section_end(t);
}

/* ---- sequences ---- */

typedef struct lines {
    weft__series series[LINES];
    char name[LINES][64];
    int n;
} lines;

static void add_line(lines *l, const weft__flow_report *r, int side,
                     const weft__flow_track *track, const double *x)
{
    if (l->n == LINES) return;
    snprintf(l->name[l->n], sizeof l->name[0], "%s%.40s%s",
             !compares(r) ? ""
             : side       ? "B "
                          : "A ",
             track->name ? track->name : "",
             !track->state    ? ""
             : track->reverse ? " \xe2\x86\x90"
                              : " \xe2\x86\x92");
    l->series[l->n] = (weft__series){l->name[l->n], track->steps, x, track->by_distance};
    l->n++;
}

static void draw_lines(weft__text *t, const weft__flow_report *r, bool states,
                       const char *title, const double *x, int *id)
{
    const double w = 1040, h = 340;
    lines l = {.n = 0};
    weft__text words = {0};
    for (int i = 0; i < r->sides; i++)
        for (int k = 0; k < r->side[i].tracks; k++)
            if (r->side[i].track[k].state == states)
                add_line(&l, r, i, &r->side[i].track[k], x);
    if (!l.n) return;
    weft__chart chart = {.title = title,
                         .x_title = "steps between here and the end of the sequence",
                         .n = l.n,
                         .series = l.series,
                         .log = true};
    weft__describe_chart(&words, &chart);
    weft__text_add(t, "<figure class=\"panel\">");
    weft__canvas c = weft__svg_begin(t, w, h, ++*id, title, words.data ? words.data : "");
    weft__draw_chart(&c, &chart, 0, 0, w, h);
    weft__svg_end(&c);
    weft__text_add(t, "</figure>\n");
    weft__text_free(&words);
}

static int longest(const weft__flow_report *r)
{
    int n = 1;
    for (int i = 0; i < r->sides; i++)
        for (int k = 0; k < r->side[i].tracks; k++)
            if (r->side[i].track[k].steps > n) n = r->side[i].track[k].steps;
    return n;
}

static void section_time(weft__text *t, const weft__flow_report *r, int *id)
{
    weft__decades d = WEFT__NO_DECADES;
    double *x = calloc((size_t)longest(r), sizeof *x);
    if (!x) t->failed = true;
    if (!x || !any_tracks(r)) {
        free(x);
        return;
    }
    for (int i = 0; i < longest(r); i++) x[i] = i;
    for (int i = 0; i < r->sides; i++)
        for (int k = 0; k < weft__heat_rows(&r->side[i]); k++)
            for (int s = 0; s < r->side[i].track[k].steps; s++)
                weft__decades_widen(&d, r->side[i].track[k].by_step[s]);
    weft__section_begin(t, "time", "Along the sequence");
    note(t, "For every step, how large the gradient of the loss is there, mean over "
            "samples. For a recurrent layer it is the gradient of its state, with all "
            "that comes back through later steps: \xe2\x86\x92 is the direction that "
            "reads from the first step to the last, \xe2\x86\x90 the other one. Darker "
            "is larger, each shade a factor.");
    figures(t, r, id, "Gradient over time",
            "A row per layer and direction, a field per step; darker is larger.", heat,
            weft__heat_height, &d, &d);
    note(t, "The same by distance from the end, where the loss looks at the state: a "
            "straight line that falls is a gradient that shrinks by the same factor with "
            "every step, as products of one matrix do.");
    draw_lines(t, r, true, "Gradient of the state", x, id);
    draw_lines(t, r, false, "Gradient of embeddings and convolutions", x, id);
    weft__section_end(t);
    free(x);
}

/* ---- pictures ---- */

static void image(weft__text *t, const weft__flow_image *m)
{
    if (!m->png) return;
    weft__text_printf(t, "<figure><img width=\"%d\" height=\"%d\" alt=\"", m->width,
                      m->height);
    weft__text_escaped(t, m->caption, NAME);
    weft__text_add(t, "\" src=\"data:image/png;base64,");
    weft__text_base64(t, m->png, m->bytes);
    weft__text_add(t, "\"><figcaption><b>");
    weft__text_escaped(t, m->caption, NAME);
    weft__text_add(t, "</b>");
    if (m->detail) {
        weft__text_add(t, m->caption && *m->caption ? "<br>" : "");
        weft__text_escaped(t, m->detail, 160);
    }
    weft__text_add(t, "</figcaption></figure>\n");
}

static void gallery(weft__text *t, const weft__flow_gallery *g, const char *side)
{
    weft__text_add(t, "<div class=\"panel\"><h3>");
    weft__text_escaped(t, g->title, NAME);
    if (side) {
        weft__text_add(t, " <span class=\"side\">");
        weft__text_escaped(t, side, NAME);
        weft__text_add(t, "</span>");
    }
    weft__text_add(t, "</h3>\n");
    if (g->note) note(t, g->note);
    weft__text_add(t, g->small ? "<div class=\"strip\">\n" : "<div class=\"maps\">\n");
    for (int i = 0; i < at_most(g->n, IMAGES); i++) image(t, &g->image[i]);
    weft__text_add(t, "</div></div>\n");
}

static void section_pictures(weft__text *t, const weft__flow_report *r)
{
    if (!any_galleries(r)) return;
    weft__section_begin(t, "pictures", "What the network sees");
    for (int k = 0; k < GALLERIES; k++) {
        bool some = false;
        for (int i = 0; i < r->sides; i++) some |= k < r->side[i].galleries;
        if (!some) break;
        weft__text_add(t, compares(r) ? "<div class=\"pair\">\n" : "");
        for (int i = 0; i < r->sides; i++)
            if (k < r->side[i].galleries)
                gallery(t, &r->side[i].gallery[k], compares(r) ? r->side[i].name : NULL);
        weft__text_add(t, compares(r) ? "</div>\n" : "");
    }
    weft__section_end(t);
}

/* ---- tables ---- */

static void number(weft__text *t, double x)
{
    if (isfinite(x))
        weft__text_printf(t, "<td class=\"n\">%.4g</td>", x);
    else
        weft__text_add(t, "<td class=\"n\">\xe2\x80\x93</td>");
}

/* With a bar behind it, on the logarithmic scale of d. */
static void barred(weft__text *t, double x, const weft__decades *d)
{
    double span = d->high - d->low < 1 ? 1 : d->high - d->low;
    double part = isfinite(x) && x > 1e-30 ? 1 - (d->high - log10(x)) / span : 0;
    if (!isfinite(x)) {
        number(t, x);
        return;
    }
    weft__text_printf(t, "<td class=\"n b\" style=\"--v:%.0f%%\">%.4g</td>",
                      100 * (part < 0   ? 0
                             : part > 1 ? 1
                                        : part),
                      x);
}

static void cell(weft__text *t, const char *text, bool right)
{
    weft__text_add(t, right ? "<td class=\"n\">" : "<td>");
    weft__text_escaped(t, text, NAME);
    weft__text_add(t, "</td>");
}

static void row_name(weft__text *t, const char *name)
{
    weft__text_add(t, "<tr><th scope=\"row\"><code>");
    weft__text_escaped(t, name, NAME);
    weft__text_add(t, "</code></th>");
}

static void table_head(weft__text *t, const char *caption, const char *const *title)
{
    weft__text_add(t, "<div class=\"panel scroll\"><table>");
    if (caption) {
        weft__text_add(t, "<caption>");
        weft__text_escaped(t, caption, NAME);
        weft__text_add(t, "</caption>");
    }
    weft__text_add(t, "<thead><tr>");
    for (; *title; title++)
        weft__text_printf(t, "<th scope=\"col\"%s>%s</th>",
                          **title == '>' ? " class=\"n\"" : "",
                          **title == '>' ? *title + 1 : *title);
    weft__text_add(t, "</tr></thead>\n<tbody>\n");
}

static void left_out(weft__text *t, int n)
{
    if (n > TABLE)
        weft__text_printf(t, "<p class=\"note\">%d more rows are left out.</p>\n",
                          n - TABLE);
}

static void weight_table(weft__text *t, const weft__flow_side *s, const char *caption)
{
    static const char *const title[] = {"Parameter", ">Shape", ">Norm",
                                        ">Gradient", ">Ratio", NULL};
    weft__decades d = WEFT__NO_DECADES, ratio = WEFT__NO_DECADES;
    for (int i = 0; i < s->weights; i++) {
        weft__decades_widen(&d, s->weight[i].gradient);
        weft__decades_widen(&ratio, s->weight[i].ratio);
    }
    table_head(t, caption, title);
    for (int i = 0; i < at_most(s->weights, TABLE); i++) {
        const weft__flow_weight *w = &s->weight[i];
        row_name(t, w->name);
        cell(t, w->shape, true);
        number(t, w->norm);
        barred(t, w->gradient, &d);
        barred(t, w->ratio, &ratio);
        weft__text_add(t, "</tr>\n");
    }
    weft__text_add(t, "</tbody></table></div>\n");
    left_out(t, s->weights);
}

static void section_weights(weft__text *t, const weft__flow_report *r)
{
    weft__section_begin(t, "weights", "Weights");
    note(t, "A parameter's gradient is what an optimizer steps along. Its ratio to the "
            "parameter's own size says how much of the parameter a step with a learning "
            "rate of 1 would replace: with plain SGD, ratio times rate is best somewhere "
            "around a thousandth. Bars are logarithmic.");
    weft__text_add(t, compares(r) ? "<div class=\"pair\">\n" : "");
    for (int i = 0; i < r->sides; i++)
        weight_table(t, &r->side[i], compares(r) ? r->side[i].name : NULL);
    weft__text_add(t, compares(r) ? "</div>\n" : "");
    weft__section_end(t);
}

static void layer_table(weft__text *t, const weft__flow_side *s, const char *caption)
{
    static const char *const title[] = {"Layer",     "Operator", ">Output", ">Mean",
                                        ">Spread",   ">Least",   ">Most",   ">Dead",
                                        ">Gradient", NULL};
    weft__decades std = WEFT__NO_DECADES, back = WEFT__NO_DECADES;
    for (int i = 0; i < s->layers; i++) {
        weft__decades_widen(&std, weft__spread_of(&s->layer[i]));
        weft__decades_widen(&back, s->layer[i].gradient);
    }
    table_head(t, caption, title);
    for (int i = 0; i < at_most(s->layers, TABLE); i++) {
        const weft__flow_layer *l = &s->layer[i];
        row_name(t, l->name);
        cell(t, l->op, false);
        cell(t, l->shape, true);
        number(t, l->mean);
        barred(t, weft__spread_of(l), &std);
        number(t, l->low);
        number(t, l->high);
        if (l->units > 0)
            weft__text_printf(t, "<td class=\"n\">%d of %d</td>", l->dead, l->units);
        else
            weft__text_add(t, "<td class=\"n\">\xe2\x80\x93</td>");
        barred(t, l->gradient, &back);
        weft__text_add(t, "</tr>\n");
    }
    weft__text_add(t, "</tbody></table></div>\n");
    left_out(t, s->layers);
}

static void section_numbers(weft__text *t, const weft__flow_report *r)
{
    weft__section_begin(t, "numbers", "All numbers");
    note(t, "Mean, spread and range are over all elements and samples. Dead units are 0 "
            "in every sample (of sigmoid, tanh and recurrent layers: saturated). The "
            "gradient is the Euclidean norm of the derivative of a sample's loss by its "
            "part of the output, mean over samples.");
    for (int i = 0; i < r->sides; i++)
        layer_table(t, &r->side[i], compares(r) ? r->side[i].name : NULL);
    weft__section_end(t);
}

weft_status weft__flow_write(const weft__flow_report *r, const char *path)
{
    weft__text t = {0};
    int id = 0;
    weft__page_open(&t, r->title, style);
    head(&t, r);
    section_profile(&t, r, &id);
    section_time(&t, r, &id);
    section_pictures(&t, r);
    section_weights(&t, r);
    section_numbers(&t, r);
    weft__page_close(&t);
    return weft__page_write(&t, path);
}
