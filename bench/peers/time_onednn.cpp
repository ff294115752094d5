// time_onednn.cpp: times oneDNN (2 or 3) on one convolution or one recurrent layer, OMP_NUM_THREADS threads:
//     time_onednn conv direct|winograd SECONDS BATCH CHANNELS HEIGHT WIDTH OUTPUTS KH KW STRIDE PAD-H PAD-W
//     time_onednn gru|lstm default SECONDS DIRECTIONS T N I H
// prints a JSON object for each direction or phase that the library has.
#include <oneapi/dnnl/dnnl.hpp>
#include <oneapi/dnnl/dnnl_version.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unordered_map>
#include <vector>

using dnnl::memory;
using arguments = std::unordered_map<int, memory>;

static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
static double budget = 0.2;

static memory::desc tensor(const memory::dims &dims)
{
    return memory::desc(dims, memory::data_type::f32, memory::format_tag::any);
}

static memory filled(const memory::desc &d)
{
    memory m(d, cpu);
    float *p = static_cast<float *>(m.get_data_handle());
    unsigned r = 1;
    for (size_t i = 0; i < d.get_size() / sizeof *p; i++) {
        r = r * 1664525u + 1013904223u;
        p[i] = static_cast<float>(static_cast<int>(r)) * 0x1p-31f;
    }
    return m;
}

// Version 2 describes a primitive in two steps, version 3 in one, with the same arguments.
template <class P, class... A> static typename P::primitive_desc describe(A... a)
{
#if DNNL_VERSION_MAJOR >= 3
    return typename P::primitive_desc(cpu, a...);
#else
    return typename P::primitive_desc(typename P::desc(a...), cpu);
#endif
}

template <class P, class H, class... A>
static typename P::primitive_desc describe_back(const H &forward, A... a)
{
#if DNNL_VERSION_MAJOR >= 3
    return typename P::primitive_desc(cpu, a..., forward);
#else
    return typename P::primitive_desc(typename P::desc(a...), cpu, forward);
#endif
}

struct measured {
    double median, least;
};

static measured measure(dnnl::primitive p, const arguments &a)
{
    using clock = std::chrono::steady_clock;
    dnnl::stream s(cpu);
    std::vector<double> t;
    auto seconds = [](clock::time_point from) {
        return std::chrono::duration<double>(clock::now() - from).count();
    };
    auto start = clock::now();
    for (int i = 0; i < 1 || seconds(start) < budget / 4; i++) p.execute(s, a), s.wait();
    start = clock::now();
    while (t.size() < 4000 &&
           (t.empty() || seconds(start) < (t.size() < 5 ? 4 * budget : budget))) {
        auto before = clock::now();
        p.execute(s, a);
        s.wait();
        t.push_back(seconds(before) * 1e3);
    }
    std::sort(t.begin(), t.end());
    return {t[t.size() / 2], t[0]};
}

static void tell(const char *what, const char *how, const measured &m)
{
    std::printf("{\"direction\": \"%s\", \"med_ms\": %.5g, \"min_ms\": %.5g, \"implementation\": "
                "\"%s\", \"version\": \"%d.%d.%d\"}\n",
                what, m.median, m.least, how, DNNL_VERSION_MAJOR, DNNL_VERSION_MINOR,
                DNNL_VERSION_PATCH);
    std::fflush(stdout);
}

static int time_conv(bool winograd, const std::vector<int> &v)
{
    int n = v[0], c = v[1], h = v[2], w = v[3], o = v[4], kh = v[5], kw = v[6], stride = v[7];
    int oh = (h + 2 * v[8] - kh) / stride + 1, ow = (w + 2 * v[9] - kw) / stride + 1;
    auto how = winograd ? dnnl::algorithm::convolution_winograd
                        : dnnl::algorithm::convolution_direct;
    memory::dims strides = {stride, stride}, before = {v[8], v[9]};
    memory::dims after = {(oh - 1) * stride + kh - h - v[8], (ow - 1) * stride + kw - w - v[9]};
    auto x = tensor({n, c, h, w}), k = tensor({o, c, kh, kw}), y = tensor({n, o, oh, ow});
    auto f = describe<dnnl::convolution_forward>(dnnl::prop_kind::forward_training, how, x, k, y,
                                                 strides, before, after);
    tell("forward", f.impl_info_str(),
         measure(dnnl::convolution_forward(f), {{DNNL_ARG_SRC, filled(f.src_desc())},
                                                {DNNL_ARG_WEIGHTS, filled(f.weights_desc())},
                                                {DNNL_ARG_DST, filled(f.dst_desc())}}));
    auto d = describe_back<dnnl::convolution_backward_data>(f, how, x, k, y, strides, before, after);
    tell("data", d.impl_info_str(),
         measure(dnnl::convolution_backward_data(d),
                 {{DNNL_ARG_DIFF_SRC, filled(d.diff_src_desc())},
                  {DNNL_ARG_WEIGHTS, filled(d.weights_desc())},
                  {DNNL_ARG_DIFF_DST, filled(d.diff_dst_desc())}}));
    auto g =
        describe_back<dnnl::convolution_backward_weights>(f, how, x, k, y, strides, before, after);
    tell("weight", g.impl_info_str(),
         measure(dnnl::convolution_backward_weights(g),
                 {{DNNL_ARG_SRC, filled(g.src_desc())},
                  {DNNL_ARG_DIFF_WEIGHTS, filled(g.diff_weights_desc())},
                  {DNNL_ARG_DIFF_DST, filled(g.diff_dst_desc())}}));
    return 0;
}

// Everything that a recurrent primitive reads and writes.
struct recurrent {
    memory::desc x, state, cell, w, r, b, y, last;
};

template <class D> static arguments values(const D &d, const memory &workspace)
{
    arguments a = {{DNNL_ARG_SRC_LAYER, filled(d.src_layer_desc())},
                   {DNNL_ARG_SRC_ITER, filled(d.src_iter_desc())},
                   {DNNL_ARG_WEIGHTS_LAYER, filled(d.weights_layer_desc())},
                   {DNNL_ARG_WEIGHTS_ITER, filled(d.weights_iter_desc())},
                   {DNNL_ARG_BIAS, filled(d.bias_desc())},
                   {DNNL_ARG_DST_LAYER, filled(d.dst_layer_desc())},
                   {DNNL_ARG_DST_ITER, filled(d.dst_iter_desc())}};
    if (workspace) a.insert({DNNL_ARG_WORKSPACE, workspace});
    return a;
}

template <class D> static arguments gradients(const D &d)
{
    return {{DNNL_ARG_DIFF_SRC_LAYER, filled(d.diff_src_layer_desc())},
            {DNNL_ARG_DIFF_SRC_ITER, filled(d.diff_src_iter_desc())},
            {DNNL_ARG_DIFF_WEIGHTS_LAYER, filled(d.diff_weights_layer_desc())},
            {DNNL_ARG_DIFF_WEIGHTS_ITER, filled(d.diff_weights_iter_desc())},
            {DNNL_ARG_DIFF_BIAS, filled(d.diff_bias_desc())},
            {DNNL_ARG_DIFF_DST_LAYER, filled(d.diff_dst_layer_desc())},
            {DNNL_ARG_DIFF_DST_ITER, filled(d.diff_dst_iter_desc())}};
}

static recurrent shapes(bool lstm, const std::vector<int> &v)
{
    int dirs = v[0], t = v[1], n = v[2], i = v[3], h = v[4], gates = lstm ? 4 : 3;
    auto state = tensor({1, dirs, n, h});
    return {tensor({t, n, i}),     state, state, tensor({1, dirs, i, gates, h}),
            tensor({1, dirs, h, gates, h}), tensor({1, dirs, 4, h}),
            tensor({t, n, dirs * h}),       state};
}

static dnnl::rnn_direction direction(const std::vector<int> &v)
{
    return v[0] == 2 ? dnnl::rnn_direction::bidirectional_concat
                     : dnnl::rnn_direction::unidirectional_left2right;
}

static void tell_both(const char *how, const measured &f, const measured &b)
{
    tell("forward", how, f);
    tell("train", how, {f.median + b.median, f.least + b.least});
}

static int time_gru(const std::vector<int> &v)
{
    auto s = shapes(false, v);
    auto dir = direction(v);
    auto p = describe<dnnl::lbr_gru_forward>(dnnl::prop_kind::forward_inference, dir, s.x, s.state,
                                             s.w, s.r, s.b, s.y, s.last);
    tell("infer", p.impl_info_str(),
         measure(dnnl::lbr_gru_forward(p), values(p, memory())));
    auto f = describe<dnnl::lbr_gru_forward>(dnnl::prop_kind::forward_training, dir, s.x, s.state,
                                             s.w, s.r, s.b, s.y, s.last);
    memory workspace = filled(f.workspace_desc());
    auto forward = measure(dnnl::lbr_gru_forward(f), values(f, workspace));
    auto b = describe_back<dnnl::lbr_gru_backward>(f, dnnl::prop_kind::backward, dir, s.x, s.state,
                                                   s.w, s.r, s.b, s.y, s.last, s.x, s.state, s.w,
                                                   s.r, s.b, s.y, s.last);
    auto a = values(b, workspace);
    auto more = gradients(b);
    a.insert(more.begin(), more.end());
    tell_both(b.impl_info_str(), forward, measure(dnnl::lbr_gru_backward(b), a));
    return 0;
}

static int time_lstm(const std::vector<int> &v)
{
    auto s = shapes(true, v);
    auto dir = direction(v);
    auto cells = [](auto &d, arguments a) {
        a.insert({DNNL_ARG_SRC_ITER_C, filled(d.src_iter_c_desc())});
        a.insert({DNNL_ARG_DST_ITER_C, filled(d.dst_iter_c_desc())});
        return a;
    };
    auto p = describe<dnnl::lstm_forward>(dnnl::prop_kind::forward_inference, dir, s.x, s.state,
                                          s.cell, s.w, s.r, s.b, s.y, s.last, s.cell);
    tell("infer", p.impl_info_str(),
         measure(dnnl::lstm_forward(p), cells(p, values(p, memory()))));
    auto f = describe<dnnl::lstm_forward>(dnnl::prop_kind::forward_training, dir, s.x, s.state,
                                          s.cell, s.w, s.r, s.b, s.y, s.last, s.cell);
    memory workspace = filled(f.workspace_desc());
    auto forward = measure(dnnl::lstm_forward(f), cells(f, values(f, workspace)));
    auto b = describe_back<dnnl::lstm_backward>(
        f, dnnl::prop_kind::backward, dir, s.x, s.state, s.cell, s.w, s.r, s.b, s.y, s.last, s.cell,
        s.x, s.state, s.cell, s.w, s.r, s.b, s.y, s.last, s.cell);
    auto a = cells(b, values(b, workspace));
    auto more = gradients(b);
    more.insert({DNNL_ARG_DIFF_SRC_ITER_C, filled(b.diff_src_iter_c_desc())});
    more.insert({DNNL_ARG_DIFF_DST_ITER_C, filled(b.diff_dst_iter_c_desc())});
    a.insert(more.begin(), more.end());
    tell_both(b.impl_info_str(), forward, measure(dnnl::lstm_backward(b), a));
    return 0;
}

int main(int argc, char **argv)
{
    std::string what = argc > 3 ? argv[1] : "";
    std::vector<int> numbers;
    for (int i = 4; i < argc; i++) numbers.push_back(std::atoi(argv[i]));
    if (!(what == "conv" && numbers.size() == 10) &&
        !((what == "gru" || what == "lstm") && numbers.size() == 5))
        return std::fprintf(stderr, "time_onednn: wrong arguments\n"), 2;
    budget = std::atof(argv[3]);
    try {
        if (what == "conv") return time_conv(argv[2] == std::string("winograd"), numbers);
        return what == "gru" ? time_gru(numbers) : time_lstm(numbers);
    } catch (const dnnl::error &e) {
        return std::fprintf(stderr, "time_onednn: %s\n", e.what()), 1;
    }
}
