/* sections.c: the sections of the page. What may grow without bound is cut, and the
 * page says so. */
#include "report/plot/chart.h"
#include "report/html/page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TILES = 8,
    CHARTS = 24,
    SERIES = 24,
    CLASSES = 200,
    CARDS = 48,
    LAYERS = 400,
    GROUPS = 16,
    FACTS = 64,
    MIX_UPS = 8,
    PICTURE_BYTES = 100 << 10, /* a bigger one is left out */
    NAME = 80,                 /* letters */
    VALUE = 400,
    PARAGRAPH = 2000
};

static int at_most(int n, int most)
{
    return n < 0 ? 0 : n < most ? n : most;
}

void weft__section_begin(weft__text *t, const char *id, const char *title)
{
    weft__text_printf(
        t, "<section id=\"%s\" aria-labelledby=\"h-%s\">\n<h2 id=\"h-%s\">%s</h2>\n", id,
        id, id, title);
}

void weft__section_end(weft__text *t)
{
    weft__text_add(t, "</section>\n");
}

void weft__left_out(weft__text *t, int shown, int all, const char *what)
{
    if (shown < all)
        weft__text_printf(t, "<p class=\"note\">%d more %s left out.</p>\n", all - shown,
                          what);
}

/* ---- headline ---- */

void weft__tiles(weft__text *t, const weft__fact *fact, int n)
{
    if (n < 1) return;
    weft__text_add(t, "<dl class=\"tiles\">\n");
    for (int i = 0; i < at_most(n, TILES); i++) {
        weft__text_add(t, "<div class=\"tile\"><dt>");
        weft__text_escaped(t, fact[i].key, NAME);
        weft__text_add(t, "</dt><dd>");
        weft__text_escaped(t, fact[i].value, NAME);
        weft__text_add(t, "</dd></div>\n");
    }
    weft__text_add(t, "</dl>\n");
}

static void link_to(weft__text *t, bool there, const char *id, const char *title)
{
    if (there) weft__text_printf(t, "<a href=\"#%s\">%s</a>\n", id, title);
}

static bool has_classes(const weft__report *r)
{
    return r->class_row && r->confusion.classes > 0;
}

static bool has_confusion(const weft__report *r)
{
    return r->confusion.count && r->confusion.classes > 0;
}

void weft__section_head(weft__text *t, const weft__report *r)
{
    weft__text_add(t, "<header>\n<h1>");
    weft__text_escaped(t, r->title ? r->title : "Training report", 160);
    weft__text_add(t, "</h1>\n");
    if (r->subtitle) {
        weft__text_add(t, "<p class=\"sub\">");
        weft__text_escaped(t, r->subtitle, VALUE);
        weft__text_add(t, "</p>\n");
    }
    weft__tiles(t, r->headline, r->headlines);
    if (r->summary) {
        weft__text_add(t, "<p>");
        weft__text_escaped(t, r->summary, PARAGRAPH);
        weft__text_add(t, "</p>\n");
    }
    weft__text_add(t, "<nav aria-label=\"Sections\">\n");
    link_to(t, r->compared_models > 1, "beside", "Beside a simple model");
    link_to(t, r->charts > 0, "curves", "Curves");
    link_to(t, r->answer_charts > 0, "answers", "Answers");
    link_to(t, has_confusion(r), "confusion", "Confusion matrix");
    link_to(t, has_classes(r), "classes", "Classes");
    link_to(t, r->pictures > 0 || r->text_errors > 0, "mistakes", "Mistakes");
    link_to(t, r->data_charts > 0, "data", "The data");
    link_to(t, r->layers > 0, "layers", "Layers");
    link_to(t, r->groups > 0, "facts", "Time, memory, settings");
    link_to(t, r->usage.model != NULL, "usage", "Use the model");
    weft__text_add(t, "</nav>\n</header>\n");
}

/* ---- curves ---- */

void weft__chart_figure(weft__text *t, const weft__chart *chart, int *id)
{
    const double w = 520, h = 300;
    weft__chart drawn = *chart;
    weft__text words = {0};
    drawn.n = at_most(drawn.n, SERIES);
    weft__describe_chart(&words, &drawn);
    weft__text_add(t, "<figure class=\"panel\">");
    weft__canvas c =
        weft__svg_begin(t, w, h, ++*id, drawn.title, words.data ? words.data : "");
    weft__draw_chart(&c, &drawn, 0, 0, w, h);
    weft__svg_end(&c);
    weft__text_add(t, "</figure>\n");
    weft__text_free(&words);
}

void weft__section_charts(weft__text *t, const weft__report *r, int *id)
{
    if (r->charts <= 0) return;
    weft__section_begin(t, "curves", "Curves");
    weft__text_add(t, "<div class=\"grid\">\n");
    for (int i = 0; i < at_most(r->charts, CHARTS); i++)
        weft__chart_figure(t, &r->chart[i], id);
    weft__text_add(t, "</div>\n");
    weft__left_out(t, at_most(r->charts, CHARTS), r->charts, "charts are");
    weft__section_end(t);
}

void weft__section_answers(weft__text *t, const weft__report *r, int *id)
{
    if (r->answer_charts <= 0) return;
    weft__section_begin(t, "answers", r->answers_title ? r->answers_title : "Answers");
    weft__text_add(t, "<div class=\"grid\">\n");
    for (int i = 0; i < at_most(r->answer_charts, CHARTS); i++)
        weft__chart_figure(t, &r->answer_chart[i], id);
    weft__text_add(t, "</div>\n");
    weft__section_end(t);
}

void weft__mistakes_begin(weft__text *t, const weft__report *r)
{
    weft__section_begin(
        t, "mistakes", r->mistakes_title ? r->mistakes_title : "Most confident mistakes");
    weft__text_add(t, "<p class=\"note\">");
    weft__text_escaped(
        t,
        r->mistakes_note
            ? r->mistakes_note
            : "The wrong answers that the model was surest of. Often they show "
              "labels that are wrong themselves.",
        PARAGRAPH);
    weft__text_add(t, "</p>\n");
}

/* ---- confusion ---- */

static void mix_up_table(weft__text *t, const weft__confusion *m)
{
    weft__mix_up pair[MIX_UPS];
    int n = weft__mix_ups(m, pair, MIX_UPS);
    if (!n) {
        weft__text_add(t,
                       "<p class=\"note\">No sample was taken for another class.</p>\n");
        return;
    }
    weft__text_add(
        t, "<div class=\"panel scroll\"><table><caption>Most often mistaken</caption>"
           "<thead><tr><th scope=\"col\">True class</th>"
           "<th scope=\"col\">Predicted</th>"
           "<th scope=\"col\" class=\"n\">Samples</th><th scope=\"col\" class=\"n\">"
           "Of the true class</th></tr></thead>\n<tbody>\n");
    for (int i = 0; i < n; i++) {
        char number[16];
        weft__text_add(t, "<tr><th scope=\"row\">");
        weft__text_escaped(t, weft__class_title(m, pair[i].truth, number), NAME);
        weft__text_add(t, "</th><td>");
        weft__text_escaped(t, weft__class_title(m, pair[i].predicted, number), NAME);
        weft__text_add(t, "</td><td class=\"n\">");
        weft__text_count(t, (double)pair[i].count);
        weft__text_printf(t, "</td><td class=\"n\">%.1f %%</td></tr>\n",
                          100 * pair[i].share);
    }
    weft__text_add(t, "</tbody></table></div>\n");
}

void weft__section_confusion(weft__text *t, const weft__report *r, int *id)
{
    const weft__confusion *m = &r->confusion;
    double w, h;
    char words[256];
    int step;
    if (!has_confusion(r)) return;
    step = weft__confusion_step(m);
    snprintf(words, sizeof words,
             "Confusion matrix of %d classes: rows are the true classes, "
             "columns what the model said. The table below names the commonest mistakes.",
             m->classes);
    weft__section_begin(t, "confusion", "Confusion matrix");
    weft__text_add(t, "<p class=\"note\">");
    if (r->confusion_title) {
        weft__text_escaped(t, r->confusion_title, NAME);
        weft__text_add(t, ". ");
    }
    weft__text_add(
        t, "A row is a true class and shows what its samples were taken for: blue is "
           "right, orange is wrong.");
    if (step > 1)
        weft__text_printf(
            t,
            " A field stands for %d classes each way; what is mistaken among "
            "them lies on the diagonal.",
            step);
    weft__text_add(t, "</p>\n<figure class=\"panel wide scroll\">");
    weft__confusion_size(m, &w, &h);
    weft__canvas c = weft__svg_begin(t, w, h, ++*id, "Confusion matrix", words);
    weft__draw_confusion(&c, m);
    weft__svg_end(&c);
    weft__text_add(t, "</figure>\n");
    mix_up_table(t, m);
    weft__section_end(t);
}

/* ---- classes ---- */

static void score_cell(weft__text *t, double x)
{
    if (!isfinite(x)) {
        weft__text_add(t, "<td class=\"n\">\xe2\x80\x93</td>");
        return;
    }
    double part = x < 0 ? 0 : x > 1 ? 1 : x;
    weft__text_printf(t, "<td class=\"n b\" style=\"--v:%.1f%%\">%.3f</td>", 100 * part,
                      x);
}

static void class_row(weft__text *t, const char *name, int letters,
                      const weft__class_row *row)
{
    weft__text_add(t, "<tr><th scope=\"row\">");
    weft__text_escaped(t, name, letters);
    weft__text_add(t, "</th>");
    score_cell(t, row->precision);
    score_cell(t, row->recall);
    score_cell(t, row->f1);
    weft__text_add(t, "<td class=\"n\">");
    weft__text_count(t, (double)row->support);
    weft__text_add(t, "</td></tr>\n");
}

typedef struct ranked {
    double f1;
    int c;
} ranked;

static int by_f1(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    return x->f1 < y->f1 ? -1 : x->f1 > y->f1 ? 1 : x->c - y->c;
}

/* Of many classes, the ones with the lowest F1; NULL when out of memory. */
static ranked *weakest(const weft__report *r)
{
    int n = r->confusion.classes;
    ranked *order = calloc((size_t)n, sizeof *order);
    for (int c = 0; c < n && order; c++)
        order[c] = (ranked){isfinite(r->class_row[c].f1) ? r->class_row[c].f1 : -1, c};
    if (order && n > CLASSES) qsort(order, (size_t)n, sizeof *order, by_f1);
    return order;
}

void weft__section_classes(weft__text *t, const weft__report *r)
{
    int n = r->confusion.classes;
    if (!has_classes(r)) return;
    ranked *order = weakest(r);
    if (!order) {
        t->failed = true;
        return;
    }
    weft__section_begin(t, "classes", "Classes");
    if (n > CLASSES)
        weft__text_printf(
            t, "<p class=\"note\">The %d of %d classes with the lowest F1.</p>\n",
            CLASSES, n);
    weft__text_add(
        t, "<div class=\"panel scroll\"><table><thead><tr><th scope=\"col\">Class</th>"
           "<th scope=\"col\" class=\"n\">Precision</th>"
           "<th scope=\"col\" class=\"n\">Recall</th><th scope=\"col\" class=\"n\">F1"
           "</th><th scope=\"col\" class=\"n\">Support</th></tr></thead>\n<tbody>\n");
    for (int i = 0; i < at_most(n, CLASSES); i++) {
        char number[16];
        class_row(t, weft__class_title(&r->confusion, order[i].c, number), NAME,
                  &r->class_row[order[i].c]);
    }
    weft__text_add(t, "</tbody>\n<tfoot>\n");
    class_row(t, "Mean of the classes", 0, &r->macro);
    class_row(t, "Weighted by support", 0, &r->weighted);
    weft__text_add(t, "</tfoot></table></div>\n");
    weft__section_end(t);
    free(order);
}

/* ---- mistakes ---- */

/* The size that a PNG file says it has; false when it is none. */
static bool png_size(const weft__picture *p, unsigned *w, unsigned *h)
{
    static const unsigned char start[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n',
                                          0,    0,   0,   13,  'I',  'H',  'D',  'R'};
    const unsigned char *d = p->png;
    if (!d || p->bytes < 24 || memcmp(d, start, sizeof start)) return false;
    *w = (unsigned)d[16] << 24 | (unsigned)d[17] << 16 | (unsigned)d[18] << 8 | d[19];
    *h = (unsigned)d[20] << 24 | (unsigned)d[21] << 16 | (unsigned)d[22] << 8 | d[23];
    return *w > 0 && *h > 0;
}

void weft__probability(weft__text *t, double p)
{
    if (isfinite(p)) weft__text_printf(t, " %.1f\xe2\x80\xaf%%", 100 * p);
}

static void card(weft__text *t, const weft__picture *p, unsigned w, unsigned h)
{
    weft__text_printf(
        t,
        "<figure class=\"card\"><img loading=\"lazy\" width=\"%u\" height=\"%u\"%s"
        " alt=\"",
        w, h, w <= 96 && h <= 96 ? " class=\"pixels\"" : "");
    weft__text_escaped(t, p->truth, NAME);
    weft__text_add(t, ", taken for ");
    weft__text_escaped(t, p->predicted, NAME);
    weft__text_add(t, "\" src=\"data:image/png;base64,");
    weft__text_base64(t, p->png, p->bytes);
    weft__text_add(t, "\"><figcaption>said <b class=\"wrong\">");
    weft__text_escaped(t, p->predicted, NAME);
    weft__text_add(t, "</b>");
    weft__probability(t, p->probability);
    weft__text_add(t, "<br>is <b>");
    weft__text_escaped(t, p->truth, NAME);
    weft__text_add(t, "</b>");
    weft__probability(t, p->truth_probability);
    if (p->name) {
        weft__text_add(t, "<span class=\"file\">");
        weft__text_escaped(t, p->name, NAME);
        weft__text_add(t, "</span>");
    }
    weft__text_add(t, "</figcaption></figure>\n");
}

void weft__section_pictures(weft__text *t, const weft__report *r)
{
    int shown = 0;
    unsigned w, h;
    if (r->pictures <= 0) return;
    weft__mistakes_begin(t, r);
    weft__text_add(t, "<div class=\"cards\">\n");
    for (int i = 0; i < r->pictures && shown < CARDS; i++)
        if (r->picture[i].bytes <= PICTURE_BYTES && png_size(&r->picture[i], &w, &h)) {
            card(t, &r->picture[i], w, h);
            shown++;
        }
    weft__text_add(t, "</div>\n");
    weft__left_out(t, shown, r->pictures, "pictures are");
    weft__section_end(t);
}

/* ---- layers ---- */

static void madds_text(weft__text *t, double x)
{
    if (!isfinite(x) || x < 0)
        weft__text_add(t, "\xe2\x80\x93");
    else if (x < 1e6)
        weft__text_count(t, x);
    else if (x < 1e9)
        weft__text_printf(t, "%.2f\xe2\x80\xafM", x / 1e6);
    else
        weft__text_printf(t, "%.2f\xe2\x80\xafG", x / 1e9);
}

static void layer_row(weft__text *t, const weft__layer_row *l, double params,
                      double madds)
{
    double a = params > 0 ? (double)l->params / params : 0,
           b = madds > 0 ? l->madds / madds : 0;
    weft__text_add(t, "<tr><th scope=\"row\"><code>");
    weft__text_escaped(t, l->name, NAME);
    weft__text_add(t, "</code></th><td>");
    weft__text_escaped(t, l->op, NAME);
    weft__text_add(t, "</td><td class=\"n\">");
    weft__text_escaped(t, l->shape, NAME);
    weft__text_printf(t, "</td><td class=\"n b\" style=\"--v:%.1f%%\">",
                      a > 0 && a <= 1 ? 100 * a : 0);
    weft__text_count(t, (double)l->params);
    weft__text_printf(t, "</td><td class=\"n b\" style=\"--v:%.1f%%\">",
                      b > 0 && b <= 1 ? 100 * b : 0);
    madds_text(t, l->madds);
    weft__text_add(t, "</td></tr>\n");
}

void weft__section_layers(weft__text *t, const weft__report *r)
{
    double params = 0, madds = 0;
    if (r->layers <= 0) return;
    for (int i = 0; i < r->layers; i++) {
        if (r->layer[i].params > 0) params += (double)r->layer[i].params;
        if (r->layer[i].madds > 0 && isfinite(r->layer[i].madds))
            madds += r->layer[i].madds;
    }
    weft__section_begin(t, "layers", "Layers");
    weft__text_add(
        t, "<div class=\"panel scroll\"><table><thead><tr><th scope=\"col\">Layer</th>"
           "<th scope=\"col\">Operator</th><th scope=\"col\" class=\"n\">Output</th>"
           "<th scope=\"col\" class=\"n\">Parameters</th>"
           "<th scope=\"col\" class=\"n\">Multiply-adds</th></tr></thead>\n<tbody>\n");
    for (int i = 0; i < at_most(r->layers, LAYERS); i++)
        layer_row(t, &r->layer[i], params, madds);
    weft__text_add(t,
                   "</tbody>\n<tfoot><tr><th scope=\"row\">Total</th><td></td><td></td>"
                   "<td class=\"n\">");
    weft__text_count(t, params);
    weft__text_add(t, "</td><td class=\"n\">");
    madds_text(t, madds);
    weft__text_add(t, "</td></tr></tfoot></table></div>\n");
    weft__left_out(t, at_most(r->layers, LAYERS), r->layers, "layers are");
    weft__section_end(t);
}

/* ---- facts and use ---- */

void weft__section_facts(weft__text *t, const weft__report *r)
{
    if (r->groups <= 0) return;
    weft__section_begin(t, "facts", "Time, memory, settings");
    weft__text_add(t, "<div class=\"facts\">\n");
    for (int i = 0; i < at_most(r->groups, GROUPS); i++) {
        const weft__fact_group *g = &r->group[i];
        weft__text_add(t, "<div class=\"panel\"><h3>");
        weft__text_escaped(t, g->title, NAME);
        weft__text_add(t, "</h3><dl>\n");
        for (int k = 0; k < at_most(g->n, FACTS); k++) {
            const char *value = g->fact[k].value;
            bool hash = value && strlen(value) >= 40 && !strchr(value, ' ');
            weft__text_add(t, "<dt>");
            weft__text_escaped(t, g->fact[k].key, NAME);
            weft__text_add(t, hash ? "</dt><dd class=\"mono\">" : "</dt><dd>");
            weft__text_escaped(t, value, VALUE);
            weft__text_add(t, "</dd>\n");
        }
        weft__text_add(t, "</dl></div>\n");
    }
    weft__text_add(t, "</div>\n");
    weft__section_end(t);
}

static void sample(weft__text *t, const char *title, const weft__report *r,
                   void (*write)(weft__text *t, const weft__report *r))
{
    weft__text code = {0};
    write(&code, r);
    weft__text_printf(t, "<div class=\"panel\"><h3>%s</h3>\n<pre tabindex=\"0\"><code>",
                      title);
    for (char *line = code.data, *next; line && *line;
         line = next) { /* keep the line breaks */
        next = strchr(line, '\n');
        if (next) *next++ = 0;
        weft__text_escaped(t, line, VALUE);
        weft__text_add(t, "\n");
        if (!next) break;
    }
    weft__text_add(t, "</code></pre></div>\n");
    t->failed = t->failed || code.failed;
    weft__text_free(&code);
}

void weft__section_usage(weft__text *t, const weft__report *r)
{
    if (!r->usage.model) return;
    weft__section_begin(t, "usage", "Use the model");
    weft__text_add(
        t, "<p class=\"note\">The model is an ONNX file; its answers are logits, and "
           "its metadata hold what these programs spell out.</p>\n");
    sample(t, "On the command line", r, weft__sample_command);
    sample(t, "In C", r, weft__sample_c);
    sample(t, "With ONNX Runtime, in Python", r, weft__sample_onnx);
    weft__section_end(t);
}
