/* vectors.c: every reference case of the folder WEFT_VECTORS (default tests/vectors),
 * layers and optimizers, against PyTorch's numbers. What is not supported is listed,
 * never skipped silently. */
#include "vectors.h"

#include "graph/graph.h"
#include "train/optimizer.h"

#define TOLERANCE 1e-5 /* relative to the largest number of each tensor */

typedef struct a_case {
    vector_file v;
    const char *op;
    weft_graph *g;
    weft_value x, y;
    weft_value hn, cn; /* final states of a recurrent layer */
    bool training;
    struct {
        weft_value value;
        char name[60];
        float *numbers; /* of an input that is set before the pass */
    } fed[32];
    int feds;
} a_case;

/* ---- pieces of a graph from the file ---- */

/* A parameter with the file's values; its gradient is "g.NAME". WEFT_NONE when
 * absent. */
static weft_value param(a_case *c, const char *name)
{
    const weft__st_entry *e = vector_find(&c->v, name);
    if (!e) return WEFT_NONE;
    weft_value p = weft_param(c->g, name, vector_shape(e));
    snprintf(c->fed[c->feds].name, sizeof c->fed->name, "%s", name);
    c->fed[c->feds].value = p;
    c->fed[c->feds].numbers = vector_floats(&c->v, e);
    c->feds++;
    return p;
}

static weft_value buffer(a_case *c, const char *name)
{
    const weft__st_entry *e = vector_find(&c->v, name);
    CHECK(e != NULL);
    weft_value p = weft_buffer(c->g, name, vector_shape(e));
    snprintf(c->fed[c->feds].name, sizeof c->fed->name, "%s", name);
    c->fed[c->feds].value = p;
    c->fed[c->feds].numbers = vector_floats(&c->v, e);
    c->feds++;
    return p;
}

static weft_value constant(a_case *c, const char *name)
{
    const weft__st_entry *e = vector_find(&c->v, name);
    if (!e) return WEFT_NONE;
    float *x = vector_floats(&c->v, e);
    weft_value k = weft_const(c->g, name, vector_shape(e), x);
    free(x);
    return k;
}

static weft_value integers(a_case *c, const char *name)
{
    const weft__st_entry *e = vector_find(&c->v, name);
    CHECK(e != NULL);
    size_t n = vector_count(e);
    float *x = vector_floats(&c->v, e);
    int32_t *i32 = calloc(n + 1, sizeof *i32);
    for (size_t i = 0; i < n; i++) i32[i] = (int32_t)x[i];
    weft_value k = weft_const_int(c->g, name, vector_shape(e), i32);
    free(x);
    free(i32);
    return k;
}

static bool is(const a_case *c, const char *op)
{
    return !strcmp(c->op, op);
}
static bool starts(const a_case *c, const char *op)
{
    return !strncmp(c->op, op, strlen(op));
}

/* "leaky_relu_0_01" -> 0.01, "softplus_b2" -> 2 */
static double suffix(const char *op, const char *prefix, double otherwise)
{
    char text[40];
    const char *at = op + strlen(prefix);
    while (*at && (*at < '0' || *at > '9')) at++;
    if (!*at) return otherwise;
    snprintf(text, sizeof text, "%s", at);
    for (char *p = text; *p; p++)
        if (*p == '_') *p = '.';
    return strtod(text, NULL);
}

/* ---- families: each returns whether it knew the op ---- */

static bool activation(a_case *c)
{
    weft_graph *g = c->g;
    weft_value x = c->x;
    if (is(c, "relu"))
        c->y = weft_relu(g, x);
    else if (is(c, "relu6"))
        c->y = weft_relu6(g, x);
    else if (is(c, "hardtanh")) {
        double low = vector_number(&c->v, "min_val", -1),
               high = vector_number(&c->v, "max_val", 1);
        c->y = low == -1 && high == 1 ? weft_hard_tanh(g, x) : weft_clip(g, x, low, high);
    } else if (starts(c, "leaky_relu"))
        c->y = weft_leaky_relu(
            g, x,
            vector_number(&c->v, "negative_slope", suffix(c->op, "leaky_relu", 0.01)));
    else if (starts(c, "elu"))
        c->y = weft_elu(g, x, vector_number(&c->v, "alpha", suffix(c->op, "elu", 1)));
    else if (is(c, "selu"))
        c->y = weft_selu(g, x);
    else if (is(c, "gelu") || is(c, "gelu_erf") || is(c, "gelu_none"))
        c->y = weft_gelu(g, x);
    else if (is(c, "gelu_tanh"))
        c->y = weft_gelu_tanh(g, x);
    else if (is(c, "silu") || is(c, "swish"))
        c->y = weft_silu(g, x);
    else if (is(c, "hardswish") || is(c, "hard_swish"))
        c->y = weft_hard_swish(g, x);
    else if (is(c, "hardsigmoid"))
        c->y = weft_hard_sigmoid(g, x, 1.0 / 6, 0.5);
    else if (is(c, "sigmoid"))
        c->y = weft_sigmoid(g, x);
    else if (is(c, "tanh"))
        c->y = weft_tanh(g, x);
    else if (is(c, "logsigmoid"))
        c->y = weft_log_sigmoid(g, x);
    else if (starts(c, "softplus"))
        c->y = weft_softplus(g, x,
                             vector_number(&c->v, "beta", suffix(c->op, "softplus", 1)));
    else if (is(c, "prelu"))
        c->y = weft_prelu(g, x, param(c, "weight"));
    else if (is(c, "softmax") || is(c, "log_softmax")) {
        int dim = (int)vector_number(&c->v, "dim", -1);
        c->y = is(c, "softmax") ? weft_softmax(g, x, dim) : weft_log_softmax(g, x, dim);
    } else
        return false;
    return true;
}

static void conv_pads(const a_case *c, int pad[2], int end[2], bool *uneven)
{
    int p[4];
    vector_pair(&c->v, "padding", pad);
    end[0] = pad[0];
    end[1] = pad[1];
    if (vector_ints(&c->v, "explicit_pad_left_right_top_bottom", p, 4) == 4) {
        pad[0] = p[2];
        end[0] = p[3];
        pad[1] = p[0];
        end[1] = p[1];
        *uneven = true;
    } else if (vector_ints(&c->v, "explicit_pad_left_right", p, 2) == 2) {
        pad[0] = p[0];
        end[0] = p[1];
        *uneven = true;
    }
}

static bool convolution(a_case *c)
{
    weft_graph *g = c->g;
    int groups = (int)vector_number(&c->v, "groups", 1);
    if (is(c, "conv1d") || is(c, "conv2d")) {
        weft_conv_opts o = {.groups = groups};
        vector_pair(&c->v, "stride", o.stride);
        vector_pair(&c->v, "dilation", o.dilate);
        conv_pads(c, o.pad, o.pad_end, &o.uneven);
        if (!strcmp(vector_text(&c->v, "padding"), "same")) o.mode = WEFT_PAD_SAME;
        c->y = weft_conv(g, c->x, param(c, "weight"), param(c, "bias"), &o);
    } else if (is(c, "conv_transpose1d") || is(c, "conv_transpose2d")) {
        weft_conv_transpose_opts o = {.groups = groups};
        vector_pair(&c->v, "stride", o.stride);
        vector_pair(&c->v, "dilation", o.dilate);
        vector_pair(&c->v, "output_padding", o.extra);
        conv_pads(c, o.pad, o.pad_end, &o.uneven);
        c->y = weft_conv_transpose(g, c->x, param(c, "weight"), param(c, "bias"), &o);
    } else if (is(c, "linear")) {
        c->y = weft_dense(g, c->x, param(c, "weight"), param(c, "bias"));
    } else {
        return false;
    }
    return true;
}

static bool pooling(a_case *c)
{
    weft_graph *g = c->g;
    bool most = starts(c, "max_pool") || starts(c, "adaptive_max_pool");
    if (starts(c, "adaptive_")) {
        int out[2] = {1, 1};
        const weft__st_entry *y = vector_find(&c->v, "y");
        if (!vector_pair(&c->v, "output_size", out)) {
            out[0] = (int)y->dim[2];
            out[1] = y->rank > 3 ? (int)y->dim[3] : 1;
        }
        c->y = most ? weft_adaptive_max_pool(g, c->x, out[0], out[1])
                    : weft_adaptive_avg_pool(g, c->x, out[0], out[1]);
        return true;
    }
    if (!starts(c, "max_pool") && !starts(c, "avg_pool")) return false;
    weft_pool_opts o = {.ceil = vector_flag(&c->v, "ceil_mode", false),
                        .exclude_pad = !vector_flag(&c->v, "count_include_pad", true)};
    vector_pair(&c->v, "kernel_size", o.kernel);
    vector_pair(&c->v, "stride", o.stride);
    vector_pair(&c->v, "padding", o.pad);
    vector_pair(&c->v, "dilation", o.dilate);
    c->y = most ? weft_max_pool(g, c->x, &o) : weft_avg_pool(g, c->x, &o);
    return true;
}

static bool normalisation(a_case *c)
{
    weft_graph *g = c->g;
    double eps = vector_number(&c->v, "eps", 1e-5);
    if (starts(c, "batch_norm")) {
        weft_batch_norm_opts o = {vector_number(&c->v, "momentum", 0.1), eps, false};
        c->y = weft_batch_norm(g, c->x, param(c, "weight"), param(c, "bias"),
                               buffer(c, "before.running_mean"),
                               buffer(c, "before.running_var"), &o);
    } else if (is(c, "layer_norm")) {
        int dims[4];
        int n = vector_ints(&c->v, "normalized_shape", dims, 4);
        c->y = weft_layer_norm(g, c->x, param(c, "weight"), param(c, "bias"), -n, eps);
    } else if (is(c, "group_norm") || starts(c, "instance_norm")) {
        int channels = (int)vector_find(&c->v, "x")->dim[1];
        int groups = (int)vector_number(&c->v, "num_groups", channels);
        c->y =
            weft_group_norm(g, c->x, param(c, "weight"), param(c, "bias"), groups, eps);
    } else {
        return false;
    }
    return true;
}

static bool padding(a_case *c)
{
    int p[4], n = vector_ints(&c->v, "left_right_top_bottom", p, 4), rank;
    weft_pad_opts o = {.value = vector_number(&c->v, "value", 0)};
    const char *mode = vector_text(&c->v, "mode");
    if (!is(c, "pad")) return false;
    if (!n) n = vector_ints(&c->v, "left_right", p, 2);
    rank = vector_find(&c->v, "x")->rank;
    for (int i = 0; i + 1 < n; i += 2) {
        o.before[rank - 1 - i / 2] = p[i];
        o.after[rank - 1 - i / 2] = p[i + 1];
    }
    o.kind = !strcmp(mode, "replicate") ? WEFT_PAD_EDGE
             : !strcmp(mode, "reflect") ? WEFT_PAD_REFLECT
                                        : WEFT_PAD_CONSTANT;
    if (!strcmp(mode, "circular")) return false;
    c->y = weft_pad(c->g, c->x, &o);
    return true;
}

static bool shape(a_case *c)
{
    if (is(c, "pixel_shuffle")) {
        c->y = weft_pixel_shuffle(c->g, c->x,
                                  (int)vector_number(&c->v, "upscale_factor", 2));
        return true;
    }
    if (!is(c, "upsample") && !is(c, "interpolate")) return padding(c);
    const char *mode = vector_text(&c->v, "mode");
    const weft__st_entry *y = vector_find(&c->v, "y");
    if (strcmp(mode, "nearest") && strcmp(mode, "bilinear") && strcmp(mode, "linear"))
        return false;
    c->y = weft_resize(c->g, c->x,
                       &(weft_resize_opts){
                           .size = {(int)y->dim[2], y->rank > 3 ? (int)y->dim[3] : 1},
                           .mode = strcmp(mode, "nearest") ? WEFT_BILINEAR : WEFT_NEAREST,
                           .align_corners = vector_flag(&c->v, "align_corners", false)});
    return true;
}

static weft_reduction reduction(const a_case *c)
{
    const char *r = vector_text(&c->v, "reduction");
    return !strcmp(r, "sum") ? WEFT_SUM : !strcmp(r, "none") ? WEFT_EACH : WEFT_MEAN;
}

static bool loss(a_case *c)
{
    weft_graph *g = c->g;
    weft_reduction r = reduction(c);
    if (is(c, "cross_entropy")) {
        const weft__st_entry *t = vector_find(&c->v, "target");
        bool hard = t->type[0] == 'I';
        const char *ignore = vector_text(&c->v, "ignore_index");
        weft_cross_entropy_opts o = {.smoothing =
                                         vector_number(&c->v, "label_smoothing", 0),
                                     .ignores = *ignore != 0,
                                     .ignore = atoi(ignore),
                                     .reduction = r};
        weft_value target = hard ? integers(c, "target") : constant(c, "target");
        c->y = weft_cross_entropy(g, c->x, target, constant(c, "weight"), &o, NULL);
    } else if (is(c, "mse") || is(c, "mse_loss")) {
        c->y = weft_mse(g, c->x, constant(c, "target"), r);
    } else if (is(c, "l1") || is(c, "l1_loss")) {
        c->y = weft_l1(g, c->x, constant(c, "target"), r);
    } else if (is(c, "smooth_l1") || is(c, "smooth_l1_loss")) {
        c->y = weft_smooth_l1(g, c->x, constant(c, "target"),
                              vector_number(&c->v, "beta", 1), r);
    } else if (starts(c, "bce_with_logits") ||
               is(c, "binary_cross_entropy_with_logits")) {
        c->y = weft_bce_with_logits(g, c->x, constant(c, "target"), constant(c, "weight"),
                                    constant(c, "pos_weight"), r);
    } else {
        return false;
    }
    return true;
}

/* The one network of the set: its layers are named in the file as here. */
static bool network(a_case *c)
{
    weft_graph *g = c->g;
    if (!is(c, "net") ||
        strncmp(vector_text(&c->v, "layers"), "conv(1,4,5,p2) bn relu", 22))
        return false;
    const weft_pool_opts two = {.kernel = {2, 2}}, one = {.kernel = {1, 1}};
    weft_value h = weft_conv(g, c->x, param(c, "c1.weight"), param(c, "c1.bias"),
                             &(weft_conv_opts){.pad = {2, 2}});
    h = weft_batch_norm(g, h, param(c, "bn.weight"), param(c, "bn.bias"),
                        buffer(c, "before.bn.running_mean"),
                        buffer(c, "before.bn.running_var"), NULL);
    h = weft_dropout(g, weft_max_pool(g, weft_relu(g, h), &two), 0.5);
    h = weft_relu(g, weft_conv(g, h, param(c, "c2.weight"), param(c, "c2.bias"), NULL));
    h = weft_max_pool(g, weft_avg_pool(g, h, &one), &two);
    h = weft_dropout(g, weft_flatten(g, h, 1), 0.5);
    c->y = weft_dense(g, h, param(c, "f.weight"), param(c, "f.bias"));
    return true;
}

/* ---- sequences ---- */

/* Rows `from` .. `to`-1. */
static weft_value rows(weft_graph *g, weft_value x, int from, int to)
{
    return weft_slice(g, x, 1, &(weft_slice_range){.start = from, .end = to});
}

/* "weight_ih" of a layer and direction, its gates in ONNX's order; WEFT_NONE:
 * absent. */
static weft_value in_gate_order(a_case *c, const char *what, int layer, int dir)
{
    static const int gru[] = {1, 0, 2}, lstm[] = {0, 3, 1, 2}, rnn[] = {0};
    const int *order = is(c, "gru") ? gru : is(c, "lstm") ? lstm : rnn;
    int gates = is(c, "gru") ? 3 : is(c, "lstm") ? 4 : 1;
    char name[60];
    weft_value part[4];
    snprintf(name, sizeof name, "%s_l%d%s", what, layer, dir ? "_reverse" : "");
    weft_value all = param(c, name);
    if (!all.id) return all;
    int h = weft_shape_of(c->g, all).dim[0] / gates;
    for (int i = 0; i < gates; i++)
        part[i] = rows(c->g, all, order[i] * h, (order[i] + 1) * h);
    return weft_concat(c->g, part, gates, 0);
}

static weft_value of_directions(a_case *c, const char *what, int layer, int dirs)
{
    weft_value part[2];
    for (int d = 0; d < dirs; d++)
        part[d] = weft_unsqueeze(c->g, in_gate_order(c, what, layer, d), 1, (int[]){0});
    return weft_concat(c->g, part, dirs, 0);
}

/* The file's [layers d, n, h] for one layer: [n, d, h]. */
static weft_value state_of(a_case *c, weft_value all, int layer, int dirs)
{
    weft_value s = rows(c->g, all, layer * dirs, (layer + 1) * dirs);
    return weft_transpose(c->g, s, (int[]){1, 0, 2});
}

static weft_value one_layer_of(a_case *c, weft_value x, weft_rnn_in *in, int dirs,
                               weft_value *hn, weft_value *cn)
{
    weft_rnn_opts o = {.direction = dirs == 2 ? WEFT_RNN_BOTH : WEFT_RNN_FORWARD,
                       .relu = !strcmp(vector_text(&c->v, "nonlinearity"), "relu")};
    if (is(c, "gru")) return weft_gru(c->g, x, in, &o, hn);
    if (is(c, "rnn")) return weft_rnn(c->g, x, in, &o, hn);
    return weft_lstm(c->g, x, in, &o, hn, cn);
}

static bool recurrent(a_case *c)
{
    weft_graph *g = c->g;
    const int swap[] = {1, 0, 2};
    int dirs = vector_flag(&c->v, "bidirectional", false) ? 2 : 1;
    int layers = (int)vector_number(&c->v, "num_layers", 1);
    weft_value hn[4], cn[4], lengths = WEFT_NONE, h0, c0;
    if ((!is(c, "gru") && !is(c, "rnn") && !is(c, "lstm")) || layers > 4) return false;
    h0 = param(c, "h0");
    c0 = param(c, "c0");
    if (vector_find(&c->v, "lengths")) lengths = integers(c, "lengths");
    c->y = c->x;
    for (int l = 0; l < layers; l++) {
        weft_rnn_in in = {.lengths = lengths};
        in.w = of_directions(c, "weight_ih", l, dirs);
        in.r = of_directions(c, "weight_hh", l, dirs);
        if (vector_find(&c->v, "bias_ih_l0")) {
            weft_value b[] = {of_directions(c, "bias_ih", l, dirs),
                              of_directions(c, "bias_hh", l, dirs)};
            in.b = weft_concat(g, b, 2, 1);
        }
        if (h0.id) in.h0 = state_of(c, h0, l, dirs);
        if (c0.id) in.c0 = state_of(c, c0, l, dirs);
        c->y = one_layer_of(c, c->y, &in, dirs, &hn[l], &cn[l]);
        hn[l] = weft_transpose(g, hn[l], swap);
        if (is(c, "lstm")) cn[l] = weft_transpose(g, cn[l], swap);
    }
    c->hn = weft_concat(g, hn, layers, 0);
    if (is(c, "lstm")) c->cn = weft_concat(g, cn, layers, 0);
    return true;
}

static bool sequence(a_case *c)
{
    if (!is(c, "embedding")) return recurrent(c);
    int padding = (int)vector_number(&c->v, "padding_idx", -1);
    weft_embedding_opts o = {.padded = padding >= 0, .padding = padding};
    c->y = weft_embedding(c->g, integers(c, "idx"), param(c, "weight"), &o);
    return true;
}

static bool build(a_case *c)
{
    if (sequence(c)) return true;
    if (!c->x.id) return false;
    return convolution(c) || pooling(c) || normalisation(c) || loss(c) || network(c) ||
           shape(c) || activation(c);
}

/* ---- comparing ---- */

static bool compare(const char *path, const a_case *c, const char *name,
                    const float *found)
{
    const weft__st_entry *e = vector_find(&c->v, name);
    size_t n = vector_count(e);
    float *want = vector_floats(&c->v, e);
    double most = 0, worst = 0;
    for (size_t i = 0; i < n; i++) most = fmax(most, fabs(want[i]));
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)want[i] - found[i]);
        if (!(d <= worst)) worst = d;
    }
    free(want);
    if (worst <= TOLERANCE * (most > 1e-6 ? most : 1e-6)) return true;
    print_error("%s: %s is off by %.3g of %.3g\n", path, name, worst, most);
    return false;
}

/* sum(value * upstream), so that the gradient of the value is the file's. */
static weft_value seeded(a_case *c, weft_value y, const char *upstream)
{
    weft_value by = constant(c, upstream);
    return weft_reduce_sum(c->g, weft_mul(c->g, y, by), 0, NULL, false);
}

static bool compare_all(const char *path, a_case *c, weft_plan *p)
{
    bool good = true;
    for (int i = 0; i < c->v.st.count; i++) {
        const char *name = c->v.st.entry[i].name;
        size_t n = vector_count(&c->v.st.entry[i]);
        float *found = calloc(n + 1, sizeof *found);
        char from[80];
        weft_status s = WEFT_OK;
        bool checked = true;
        if (!strcmp(name, "y")) {
            s = weft_plan_get(p, c->y, found, n);
        } else if (!strcmp(name, "hn") || !strcmp(name, "cn")) {
            s = weft_plan_get(p, *name == 'h' ? c->hn : c->cn, found, n);
        } else if (!strcmp(name, "g.x")) {
            s = weft_plan_gradient(p, c->x, found, n);
        } else if (!strncmp(name, "g.", 2)) {
            s = weft_param_gradient(c->g, weft_find(c->g, name + 2), found, n);
        } else if (!strncmp(name, "after.", 6) && !strstr(name, "num_batches")) {
            snprintf(from, sizeof from, "before.%s", name + 6);
            s = weft_param_get(c->g, weft_find(c->g, from), found, n);
        } else {
            checked = false;
        }
        if (s) print_error("%s: %s: %s\n", path, name, weft_last_error());
        if (s || (checked && !compare(path, c, name, found))) good = false;
        free(found);
    }
    return good;
}

static bool run(const char *path, a_case *c)
{
    weft_plan *p = NULL;
    weft_value l = seeded(c, c->y, "gy"), kept[] = {c->y, c->hn, c->cn};
    if (c->hn.id) l = weft_add(c->g, l, seeded(c, c->hn, "ghn"));
    if (c->cn.id) l = weft_add(c->g, l, seeded(c, c->cn, "gcn"));
    bool good = !weft_graph_status(c->g);
    for (int i = 0; i < c->feds && good; i++)
        good = !weft_param_set(c->g, c->fed[i].value, c->fed[i].numbers,
                               vector_count(vector_find(&c->v, c->fed[i].name)));
    weft_plan_opts o = {.loss = l,
                        .training = c->training,
                        .input_gradients = true,
                        .keep = kept,
                        .keep_count = c->cn.id   ? 3
                                      : c->hn.id ? 2
                                                 : 1};
    good = good && !weft_plan_new(c->g, &o, &p);
    const weft__st_entry *e = vector_find(&c->v, "x");
    float *x = e ? vector_floats(&c->v, e) : NULL;
    good = good && (!e || !weft_plan_set(p, c->x, x, vector_count(e))) &&
           !weft_plan_forward(p) && !weft_plan_backward(p);
    free(x);
    if (!good) print_error("%s: %s\n", path, weft_last_error());
    good = good && compare_all(path, c, p);
    weft_plan_free(p);
    return good;
}

typedef struct tally {
    int ran, failed, unsupported;
    char names[2000];
} tally;

static void note_unsupported(tally *t, const char *op)
{
    char word[80];
    snprintf(word, sizeof word, "%.60s ", op);
    t->unsupported++;
    if (!strstr(t->names, word) && strlen(t->names) + strlen(word) < sizeof t->names)
        strcat(t->names, word);
}

static void one_layer(const char *path, tally *t)
{
    a_case c = {0};
    if (vector_open(path, &c.v)) {
        print_error("%s: %s\n", path, weft_last_error());
        t->failed++;
        vector_close(&c.v);
        return;
    }
    c.op = vector_text(&c.v, "op");
    c.training = vector_flag(&c.v, "train", true);
    const weft__st_entry *x = vector_find(&c.v, "x");
    c.g = weft_graph_new();
    if (x && x->type[0] == 'F') c.x = weft_input(c.g, "x", vector_shape(x));
    if (build(&c)) {
        t->ran++;
        t->failed += !run(path, &c);
    } else {
        note_unsupported(t, c.op);
    }
    for (int i = 0; i < c.feds; i++) free(c.fed[i].numbers);
    weft_graph_free(c.g);
    vector_close(&c.v);
}

static const char *root(void)
{
    const char *path = getenv("WEFT_VECTORS");
    return path && *path ? path : "tests/vectors";
}

static bool ends(const char *name, const char *ending)
{
    size_t n = strlen(name), k = strlen(ending);
    return n > k && !strcmp(name + n - k, ending);
}

static void each_file(const char *folder, void (*one)(const char *path, tally *t),
                      tally *t)
{
    weft__names names;
    CHECK(weft__folder_list(folder, 100000, &names) == WEFT_OK);
    for (size_t i = 0; i < names.count; i++) {
        char *path = weft__path_join(folder, names.name[i]);
        if (weft__is_folder(path))
            each_file(path, one, t);
        else if (ends(path, ".safetensors"))
            one(path, t);
        free(path);
    }
    weft__names_free(&names);
}

static void report(const char *what, const tally *t)
{
    print_message("%s: ran %d, failed %d, not yet supported %d (%s)\n", what, t->ran,
                  t->failed, t->unsupported, t->names);
    CHECK(t->failed == 0);
    CHECK(t->ran > 0);
}

static void layers_agree_with_the_reference(void **state)
{
    (void)state;
    char folder[1024];
    tally t = {0};
    snprintf(folder, sizeof folder, "%s/layers", root());
    each_file(folder, one_layer, &t);
    report("layers", &t);
}

/* ---- optimizers ---- */

static void lower(char *out, size_t size, const char *text)
{
    size_t i = 0;
    for (; text[i] && i + 1 < size; i++)
        out[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
    out[i] = '\0';
}

static bool optimizer_opts(const vector_file *v, weft_optimizer_opts *o)
{
    char name[40];
    double betas[2] = {0.9, 0.999};
    lower(name, sizeof name, vector_text(v, "optimizer"));
    *o = weft_optimizer_defaults(name);
    if (!o->name) return false;
    o->lr = vector_number(v, "lr", o->lr);
    o->momentum = vector_number(v, "momentum", 0);
    o->dampening = vector_number(v, "dampening", 0);
    o->nesterov = vector_flag(v, "nesterov", false);
    o->weight_decay = vector_number(v, "weight_decay", !strcmp(name, "adamw") ? 0.01 : 0);
    sscanf(vector_text(v, "betas"), "[%lf, %lf]", &betas[0], &betas[1]);
    o->beta1 = betas[0];
    o->beta2 = betas[1];
    o->eps = vector_number(v, "eps", o->eps);
    o->alpha = vector_number(v, "alpha", o->alpha);
    o->centered = vector_flag(v, "centered", false);
    return !vector_flag(v, "amsgrad", false);
}

static void set_gradient(weft_graph *g, weft_value p, const float *x)
{
    CHECK(weft_graph_finalize(g) == WEFT_OK && weft__gradients_alloc(g) == WEFT_OK);
    weft__tensor t = weft__stored(g, p.id, true);
    weft__to_storage(&t, false, x);
}

/* Ten steps; the parameter after each must be the file's. */
static bool trace_fits(const char *path, const vector_file *v,
                       const weft_optimizer_opts *opts)
{
    const weft__st_entry *start = vector_find(v, "param0"),
                         *steps = vector_find(v, "grads");
    size_t n = vector_count(start);
    float *p0 = vector_floats(v, start), *grads = vector_floats(v, steps);
    float *want = vector_floats(v, vector_find(v, "params"));
    float *found = calloc(n + 1, sizeof *found);
    weft_graph *g = weft_graph_new();
    weft_value p = weft_param(g, "p", vector_shape(start));
    weft_optimizer *o = NULL;
    double worst = 0;
    CHECK(weft_param_set(g, p, p0, n) == WEFT_OK);
    CHECK(weft_optimizer_new(g, opts, &o) == WEFT_OK);
    for (size_t k = 0; k < (size_t)steps->dim[0]; k++) {
        set_gradient(g, p, grads + k * n);
        CHECK(weft_optimizer_step(o, opts->lr) == WEFT_OK);
        CHECK(weft_param_get(g, p, found, n) == WEFT_OK);
        for (size_t i = 0; i < n; i++)
            worst = fmax(worst, fabs((double)found[i] - want[k * n + i]));
    }
    if (worst > TOLERANCE) print_error("%s: off by %.3g\n", path, worst);
    weft_optimizer_free(o);
    weft_graph_free(g);
    free(p0);
    free(grads);
    free(want);
    free(found);
    return worst <= TOLERANCE;
}

/* Clipping is seen through plain SGD with rate 1 from zero: the parameter is minus the
 * gradient. */
static bool clip_fits(const char *path, const vector_file *v)
{
    weft_graph *g = weft_graph_new();
    weft_value p[16];
    weft_optimizer *o = NULL;
    weft_optimizer_opts opts = weft_optimizer_defaults("sgd");
    int n = 0;
    double worst = 0;
    char name[20];
    for (const weft__st_entry *e; snprintf(name, sizeof name, "g%d", n), n < 16; n++) {
        if (!(e = vector_find(v, name))) break;
        p[n] = weft_param(g, name, vector_shape(e));
    }
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "g%d", i);
        float *x = vector_floats(v, vector_find(v, name));
        set_gradient(g, p[i], x);
        free(x);
    }
    opts.momentum = 0;
    opts.clip_norm = vector_number(v, "max_norm", 1);
    opts.clip_norm_type = !strcmp(vector_text(v, "norm_type"), "inf")
                              ? INFINITY
                              : vector_number(v, "norm_type", 2);
    CHECK(weft_optimizer_new(g, &opts, &o) == WEFT_OK &&
          weft_optimizer_step(o, 1) == WEFT_OK);
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "clipped%d", i);
        const weft__st_entry *e = vector_find(v, name);
        size_t count = vector_count(e);
        float *want = vector_floats(v, e), *found = calloc(count + 1, sizeof *found);
        CHECK(weft_param_get(g, p[i], found, count) == WEFT_OK);
        for (size_t k = 0; k < count; k++)
            worst = fmax(worst, fabs((double)want[k] + found[k]));
        free(want);
        free(found);
    }
    float *total = vector_floats(v, vector_find(v, "total_norm"));
    worst = fmax(worst, fabs(*total - weft_optimizer_gradient_norm(o)) / fmax(1, *total));
    free(total);
    if (worst > TOLERANCE) print_error("%s: off by %.3g\n", path, worst);
    weft_optimizer_free(o);
    weft_graph_free(g);
    return worst <= TOLERANCE;
}

static void one_optimizer(const char *path, tally *t)
{
    vector_file v;
    weft_optimizer_opts opts;
    bool good = true;
    CHECK(vector_open(path, &v) == WEFT_OK);
    const char *op = vector_text(&v, "op");
    bool clip = !strcmp(op, "clip_grad_norm");
    if (vector_find(&v, "param0") && optimizer_opts(&v, &opts))
        good = trace_fits(path, &v, &opts);
    else if (clip)
        good = clip_fits(path, &v);
    else {
        note_unsupported(t, *vector_text(&v, "optimizer") ? vector_text(&v, "optimizer")
                                                          : op);
        vector_close(&v);
        return;
    }
    t->ran++;
    t->failed += !good;
    vector_close(&v);
}

static void optimizers_agree_with_the_reference(void **state)
{
    (void)state;
    char folder[1024];
    tally t = {0};
    snprintf(folder, sizeof folder, "%s/optim", root());
    each_file(folder, one_optimizer, &t);
    report("optimizers", &t);
}

RUN_TESTS(TEST(layers_agree_with_the_reference),
          TEST(optimizers_agree_with_the_reference))
