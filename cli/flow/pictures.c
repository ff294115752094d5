/* pictures.c: filters, feature maps and Grad-CAM of a picture network.
 *
 * Grad-CAM (Selvaraju et al.): the last layer that still has places, its channels
 * weighted by the mean gradient of the class's score, summed, without what is below
 * 0. */
#include "flow/pictures.h"

#include "flow/colour.h"

#include "base/checked.h"
#include "base/error.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAP = 48,
    MAPS_OF_ONE = 32,
    ACROSS = 16,
    FILTERS = 64,
    SHOWN_SIZE = 196,
    ENLARGED = 112
};

/* The network at work on a few samples. */
typedef struct view {
    flow_setup *s;
    flow_pictures *out;
    int c, h, w, n, classes;
    int sample[FLOW_SHOWN], truth[FLOW_SHOWN];
    unsigned char *pixels; /* [n][h][w][c] */
    float *x, *scores, *pick;
    weft_value chosen, score; /* an input that picks a class; the sum of picked scores */
    weft_plan *p;
    weft_flow_node look; /* the layer that Grad-CAM looks at */
    int lc, lh, lw;
    float *value, *gradient; /* of that layer */
} view;

/* ---- setting up ---- */

/* The first samples, of different classes as far as there are. */
static void choose_samples(view *v)
{
    const flow_setup *s = v->s;
    int count = weft_dataset_count(s->d, s->part);
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < count && v->n < FLOW_SHOWN; i++) {
            int label = weft_dataset_label(s->d, s->part, i);
            bool again = false;
            for (int k = 0; k < v->n; k++)
                again |= pass ? v->sample[k] == i : v->truth[k] == label;
            if (again) continue;
            v->sample[v->n] = i;
            v->truth[v->n++] = label;
        }
}

/* The last layer whose output has places, not counting pooling. */
static bool choose_layer(view *v)
{
    for (int i = weft_flow_nodes(v->s->flow) - 1; i >= 0; i--) {
        weft_flow_node n = weft_flow_node_at(v->s->flow, i);
        weft_shape s = weft_shape_of(v->s->g, n.value);
        if (s.rank != 4 || s.dim[2] * s.dim[3] < 2 || n.pools || isnan(n.gradient))
            continue;
        v->look = n;
        v->lc = s.dim[1];
        v->lh = s.dim[2];
        v->lw = s.dim[3];
        return true;
    }
    return false;
}

static weft_status out_of_memory(void)
{
    return weft__fail(WEFT_ENOMEM, "flow: out of memory");
}

static weft_status plan(view *v)
{
    weft_graph *g = v->s->g;
    v->chosen = weft_input(g, "flow.class", WEFT_SHAPE(0, v->classes));
    v->score = weft_reduce_sum(g, weft_mul(g, v->s->output, v->chosen), 0, NULL, false);
    weft_plan_opts o = {.batch = v->n, .loss = v->score, .keep_all = true};
    weft_status s = weft_graph_status(g);
    return s ? s : weft_plan_new(g, &o, &v->p);
}

static weft_value picture_input(const weft_graph *g)
{
    for (int i = 0; i < weft_input_count(g); i++)
        if (weft_shape_of(g, weft_input_at(g, i)).rank == 4) return weft_input_at(g, i);
    return WEFT_NONE;
}

static void normalize(view *v, size_t count)
{
    float mean[4], std[4];
    if (v->s->predictor)
        weft_predictor_normalization(v->s->predictor, mean, std);
    else
        weft_dataset_normalization(v->s->d, mean, std);
    weft_image_normalize(v->c, count / (size_t)v->c, v->pixels, mean, std, v->x);
}

static weft_status read_samples(view *v)
{
    const size_t each = (size_t)v->c * (size_t)v->h * (size_t)v->w, n = (size_t)v->n;
    const size_t layer = (size_t)v->lc * (size_t)v->lh * (size_t)v->lw;
    v->pixels = weft__alloc(n * each, 1);
    v->x = weft__alloc(n * each, sizeof *v->x);
    v->scores = weft__alloc(n * (size_t)v->classes, sizeof *v->scores);
    v->pick = weft__alloc(n * (size_t)v->classes, sizeof *v->pick);
    v->value = weft__alloc(n * layer + 1, sizeof *v->value);
    v->gradient = weft__alloc(n * layer + 1, sizeof *v->gradient);
    if (!v->pixels || !v->x || !v->scores || !v->pick || !v->value || !v->gradient)
        return out_of_memory();
    weft_status s = WEFT_OK;
    for (int i = 0; i < v->n && !s; i++)
        s = weft_dataset_image(v->s->d, v->s->part, v->sample[i],
                               v->pixels + (size_t)i * each);
    normalize(v, n * each);
    if (!s) s = weft_plan_set_nhwc(v->p, picture_input(v->s->g), v->x, n * each);
    if (!s) s = weft_plan_set(v->p, v->chosen, v->pick, n * (size_t)v->classes);
    if (!s) s = weft_plan_forward(v->p);
    return s ? s : weft_plan_get(v->p, v->s->output, v->scores, n * (size_t)v->classes);
}

static weft_status encode(flow_image *to, const tile_sheet *t, int zoom)
{
    weft_status s =
        weft_image_encode_png(3, t->height, t->width, t->pixels, &to->png, &to->as.bytes);
    to->as.png = to->png;
    to->as.width = t->width * zoom;
    to->as.height = t->height * zoom;
    to->as.caption = to->caption;
    to->as.detail = to->detail[0] ? to->detail : NULL;
    return s;
}

/* ---- Grad-CAM ---- */

static double probability(const view *v, int i, int k)
{
    const float *x = v->scores + (size_t)i * (size_t)v->classes;
    double sum = 0;
    for (int j = 0; j < v->classes; j++) sum += exp((double)x[j] - x[k]);
    return 1 / sum;
}

/* The class with the highest score, or the highest other than `but`. */
static int best(const view *v, int i, int but)
{
    const float *x = v->scores + (size_t)i * (size_t)v->classes;
    int top = but == 0 ? 1 : 0;
    for (int k = 0; k < v->classes; k++)
        if (k != but && x[k] > x[top]) top = k;
    return top;
}

/* Gradients of one class's score for each sample. */
static weft_status look_for(view *v, const int *classes)
{
    const size_t all = (size_t)v->n * (size_t)v->classes;
    const size_t layer = (size_t)v->n * (size_t)(v->lc * v->lh * v->lw);
    memset(v->pick, 0, all * sizeof *v->pick);
    for (int i = 0; i < v->n; i++) v->pick[i * v->classes + classes[i]] = 1;
    weft_status s = weft_plan_set(v->p, v->chosen, v->pick, all);
    if (!s) s = weft_plan_forward(v->p);
    if (!s) s = weft_plan_backward(v->p);
    if (!s) s = weft_plan_get(v->p, v->look.value, v->value, layer);
    return s ? s : weft_plan_gradient(v->p, v->look.value, v->gradient, layer);
}

/* cam [lh][lw] of sample i, scaled to 0..1. */
static void make_cam(const view *v, int i, float *cam)
{
    const size_t places = (size_t)v->lh * (size_t)v->lw;
    float most = 0;
    memset(cam, 0, places * sizeof *cam);
    for (int c = 0; c < v->lc; c++) {
        size_t at = ((size_t)i * (size_t)v->lc + (size_t)c) * places;
        double weight = 0;
        for (size_t k = 0; k < places; k++) weight += v->gradient[at + k];
        for (size_t k = 0; k < places; k++)
            cam[k] += (float)(weight / (double)places) * v->value[at + k];
    }
    for (size_t k = 0; k < places; k++) {
        if (!(cam[k] > 0)) cam[k] = 0;
        if (cam[k] > most) most = cam[k];
    }
    for (size_t k = 0; k < places && most > 0; k++) cam[k] /= most;
}

/* At a place of the picture, between the fields of the map. */
static double cam_at(const view *v, const float *cam, double x, double y)
{
    double fx = x * v->lw / v->w - 0.5, fy = y * v->lh / v->h - 0.5;
    fx = fx < 0 ? 0 : fx > v->lw - 1 ? v->lw - 1 : fx;
    fy = fy < 0 ? 0 : fy > v->lh - 1 ? v->lh - 1 : fy;
    int x0 = (int)fx, y0 = (int)fy;
    int x1 = x0 + 1 < v->lw ? x0 + 1 : x0, y1 = y0 + 1 < v->lh ? y0 + 1 : y0;
    double a = fx - x0, b = fy - y0;
    return (1 - b) * ((1 - a) * cam[y0 * v->lw + x0] + a * cam[y0 * v->lw + x1]) +
           b * ((1 - a) * cam[y1 * v->lw + x0] + a * cam[y1 * v->lw + x1]);
}

/* The picture, with cam over it unless that is NULL; a small one enlarged, so that the
 * map is smooth. */
static weft_status draw_sample(const view *v, int i, const float *cam, flow_image *to)
{
    const int zoom = v->w < ENLARGED ? (ENLARGED + v->w - 1) / v->w : 1;
    tile_sheet t;
    weft_status s = tiles_new(&t, 1, v->w * zoom, v->h * zoom, 1);
    for (int y = 0; y < v->h * zoom && !s; y++)
        for (int x = 0; x < v->w * zoom; x++) {
            size_t row = (size_t)i * (size_t)v->h + (size_t)(y / zoom);
            size_t at = (row * (size_t)v->w + (size_t)(x / zoom)) * (size_t)v->c;
            unsigned char *rgb = tiles_at(&t, 0, x, y), heat[3];
            colour_heat(cam ? cam_at(v, cam, (x + 0.5) / zoom, (y + 0.5) / zoom) : 0,
                        heat);
            for (int k = 0; k < 3; k++) {
                int from = v->pixels[at + (size_t)(v->c == 3 ? k : 0)];
                rgb[k] = (unsigned char)(cam ? 0.5 * from + 0.5 * heat[k] : from);
            }
        }
    if (!s) s = encode(to, &t, t.width < SHOWN_SIZE ? SHOWN_SIZE / t.width : 1);
    tiles_free(&t);
    return s;
}

static const char *class_name(const view *v, int k)
{
    return v->s->predictor ? weft_predictor_class_name(v->s->predictor, k)
                           : weft_dataset_class_name(v->s->d, k);
}

static void name_cam(const view *v, int i, int k, const char *what, flow_image *to)
{
    char name[60];
    weft__escape(name, sizeof name, class_name(v, k));
    snprintf(to->caption, sizeof to->caption, "%s: %s", what, name);
    snprintf(to->detail, sizeof to->detail, "%.1f %%", 100 * probability(v, i, k));
}

static weft_status draw_cams(view *v, const int *classes, int which, float *cam)
{
    weft_status s = look_for(v, classes);
    for (int i = 0; i < v->n && !s; i++) {
        flow_image *to = &v->out->cam[3 * i + which];
        bool right = best(v, i, -1) == v->truth[i];
        make_cam(v, i, cam);
        name_cam(v, i, classes[i],
                 which == 1 ? "predicted"
                 : right    ? "second guess"
                            : "true class",
                 to);
        s = draw_sample(v, i, cam, to);
    }
    return s;
}

/* Without the folders before it. */
static void name_sample(const view *v, int i, flow_image *to)
{
    char path[1000];
    weft_dataset_sample_name(v->s->d, v->s->part, v->sample[i], path, sizeof path);
    const char *last = strrchr(path, '/');
    weft__escape(to->detail, sizeof to->detail, last ? last + 1 : path);
}

static weft_status make_cams(view *v)
{
    int first[FLOW_SHOWN], second[FLOW_SHOWN];
    float *cam = weft__alloc((size_t)v->lh * (size_t)v->lw, sizeof *cam);
    weft_status s = cam ? WEFT_OK : out_of_memory();
    for (int i = 0; i < v->n && !s; i++) {
        flow_image *to = &v->out->cam[3 * i];
        char name[60];
        first[i] = best(v, i, -1);
        second[i] = first[i] == v->truth[i] ? best(v, i, first[i]) : v->truth[i];
        weft__escape(name, sizeof name, class_name(v, v->truth[i]));
        snprintf(to->caption, sizeof to->caption, "is %s", name);
        name_sample(v, i, to);
        s = draw_sample(v, i, NULL, to);
    }
    if (!s) s = draw_cams(v, first, 1, cam);
    if (!s) s = draw_cams(v, second, 2, cam);
    if (!s) v->out->cams = 3 * v->n;
    free(cam);
    return s;
}

/* ---- feature maps ---- */

/* Box by box means of one map, at most MAP wide and high. */
static void shrink(const float *map, int h, int w, int by, float *to)
{
    const int sh = (h + by - 1) / by, sw = (w + by - 1) / by;
    for (int y = 0; y < sh; y++)
        for (int x = 0; x < sw; x++) {
            double sum = 0;
            int n = 0;
            for (int j = y * by; j < (y + 1) * by && j < h; j++)
                for (int i = x * by; i < (x + 1) * by && i < w; i++, n++)
                    sum += map[j * w + i];
            to[y * sw + x] = (float)(sum / n);
        }
}

static void draw_map(const tile_sheet *t, int i, const float *map)
{
    float low = map[0], high = map[0];
    for (int k = 1; k < t->w * t->h; k++) {
        if (map[k] < low) low = map[k];
        if (map[k] > high) high = map[k];
    }
    for (int y = 0; y < t->h; y++)
        for (int x = 0; x < t->w; x++)
            colour_level(high > low ? (map[y * t->w + x] - low) / (high - low) : 0,
                         tiles_at(t, i, x, y));
}

/* The maps of the first sample. */
static weft_status draw_maps(view *v, const weft_flow_node *n, flow_image *to)
{
    weft_shape s = weft_shape_of(v->s->g, n->value);
    const int c = s.dim[1], h = s.dim[2], w = s.dim[3], most = h > w ? h : w;
    const int by = (most + MAP - 1) / MAP, sh = (h + by - 1) / by, sw = (w + by - 1) / by;
    const int shown = c < MAPS_OF_ONE ? c : MAPS_OF_ONE;
    const size_t count = (size_t)v->n * (size_t)c * (size_t)h * (size_t)w;
    float *all = weft__alloc(count, sizeof *all);
    float *one = weft__alloc((size_t)sh * (size_t)sw, sizeof *one);
    tile_sheet t = {0};
    weft_status status =
        all && one ? weft_plan_get(v->p, n->value, all, count) : out_of_memory();
    if (!status) status = tiles_new(&t, shown, sw, sh, ACROSS);
    for (int k = 0; k < shown && !status; k++) {
        shrink(all + (size_t)k * (size_t)h * (size_t)w, h, w, by, one);
        draw_map(&t, k, one);
    }
    weft__escape(to->caption, sizeof to->caption, n->name);
    snprintf(to->detail, sizeof to->detail, "%d of %d channels, %d x %d", shown, c, h, w);
    if (!status) status = encode(to, &t, sw > 56 ? 1 : 56 / sw);
    tiles_free(&t);
    free(all);
    free(one);
    return status;
}

static bool has_maps(const view *v, int i)
{
    weft_flow_node n = weft_flow_node_at(v->s->flow, i);
    weft_shape s = weft_shape_of(v->s->g, n.value);
    return n.features && s.rank == 4 && s.dim[2] * s.dim[3] > 1;
}

/* Of every convolution; of a few of them, from first to last, where they are many. */
static weft_status make_maps(view *v)
{
    int total = 0, seen = 0;
    weft_status s = WEFT_OK;
    for (int i = 0; i < weft_flow_nodes(v->s->flow); i++) total += has_maps(v, i);
    int shown = total < FLOW_MAPS ? total : FLOW_MAPS;
    for (int i = 0; i < weft_flow_nodes(v->s->flow) && !s; i++) {
        if (!has_maps(v, i)) continue;
        weft_flow_node n = weft_flow_node_at(v->s->flow, i);
        int at = v->out->maps;
        bool wanted =
            at < shown && seen == (shown < 2 ? 0 : at * (total - 1) / (shown - 1));
        seen++;
        if (!wanted) continue;
        s = draw_maps(v, &n, &v->out->map[at]);
        if (!s) v->out->maps++;
    }
    return s;
}

/* ---- filters ---- */

static void draw_filter(const tile_sheet *t, int i, const float *w, int channels)
{
    const int places = t->w * t->h;
    double most = 1e-30;
    for (int k = 0; k < channels * places; k++)
        if (fabs(w[k]) > most) most = fabs(w[k]);
    for (int y = 0; y < t->h; y++)
        for (int x = 0; x < t->w; x++) {
            unsigned char *rgb = tiles_at(t, i, x, y);
            if (channels == 1) {
                colour_sign(w[y * t->w + x] / most, rgb);
                continue;
            }
            for (int k = 0; k < 3; k++)
                rgb[k] =
                    (unsigned char)(127.5 + 127.5 * w[k * places + y * t->w + x] / most);
        }
}

/* The first layer's kernels: those parameters that are as deep as a picture. */
static weft_status make_filters(view *v)
{
    for (int i = 0; i < weft_param_count(v->s->g); i++) {
        weft_param_info p = weft_param_at(v->s->g, i);
        const int *dim = p.shape.dim;
        if (p.shape.rank != 4 || dim[1] != v->c || dim[2] * dim[3] < 4) continue;
        const int shown = dim[0] < FILTERS ? dim[0] : FILTERS;
        const size_t each = (size_t)dim[1] * (size_t)dim[2] * (size_t)dim[3];
        float *w = weft__alloc(p.count, sizeof *w);
        tile_sheet t = {0};
        flow_image *to = v->out->filter;
        weft_status s =
            w ? weft_param_get(v->s->g, p.value, w, p.count) : out_of_memory();
        if (!s) s = tiles_new(&t, shown, dim[3], dim[2], ACROSS);
        for (int k = 0; k < shown && !s; k++)
            draw_filter(&t, k, w + (size_t)k * each, v->c);
        weft__escape(to->caption, sizeof to->caption, p.name);
        snprintf(to->detail, sizeof to->detail, "%d of %d kernels, %d x %d", shown,
                 dim[0], dim[2], dim[3]);
        if (!s) s = encode(to, &t, dim[3] > 8 ? 3 : 8);
        v->out->filters = !s;
        tiles_free(&t);
        free(w);
        return s;
    }
    return WEFT_OK;
}

/* ---- together ---- */

static void add_gallery(flow_pictures *p, const char *title, const char *note,
                        const flow_image *image, int n, bool small)
{
    if (!n) return;
    weft__flow_image *list = p->list[p->galleries];
    for (int i = 0; i < n; i++) list[i] = image[i].as;
    p->gallery[p->galleries++] = (weft__flow_gallery){
        .title = title, .note = note, .small = small, .n = n, .image = list};
}

static void arrange(flow_pictures *p)
{
    add_gallery(p, "Where it looks (Grad-CAM)",
                "The warmer, the more that place speaks for the class: the channels of "
                "the last layer that still has places, weighted by the gradient of the "
                "class's score. The percentage is the class's probability.",
                p->cam, p->cams, true);
    add_gallery(
        p, "Filters of the first layer",
        "Each square is one kernel, scaled by its largest weight. The same kernel "
        "is laid over every place of the picture; its gradient is the sum over "
        "all those places.",
        p->filter, p->filters, false);
    add_gallery(p, "Feature maps of the first picture",
                "What each convolution makes of the first picture above, a field per "
                "channel; yellow is most and violet least of that channel.",
                p->map, p->maps, false);
}

static weft_status make(view *v)
{
    choose_samples(v);
    if (!v->n || v->classes < 2 || !choose_layer(v)) return WEFT_OK;
    weft_status s = plan(v);
    if (!s) s = read_samples(v);
    if (!s) s = make_maps(v); /* before other passes go over the values */
    if (!s) s = make_cams(v);
    return s ? s : make_filters(v);
}

weft_status flow_pictures_make(flow_setup *s, flow_pictures *out)
{
    view v = {.s = s, .out = out, .classes = weft_shape_of(s->g, s->output).dim[1]};
    weft_dataset_image_shape(s->d, &v.c, &v.h, &v.w);
    weft_status status = make(&v);
    weft_plan_free(v.p);
    free(v.pixels);
    free(v.x);
    free(v.scores);
    free(v.pick);
    free(v.value);
    free(v.gradient);
    if (status == WEFT_EUSAGE) { /* a build without PNG */
        out->cams = out->filters = out->maps = 0;
        status = WEFT_OK;
    }
    if (!status) arrange(out);
    return status;
}

void flow_pictures_free(flow_pictures *p)
{
    for (int i = 0; i < 3 * FLOW_SHOWN; i++) free(p->cam[i].png);
    for (int i = 0; i < FLOW_MAPS; i++) free(p->map[i].png);
    free(p->filter[0].png);
}
