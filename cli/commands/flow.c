/* flow.c: `weft flow`: what goes forth and what comes back, layer by layer. */
#include "model_source.h"
#include "flow/page.h"
#include "flow/print.h"
#include "option.h"

#include <stdlib.h>

extern const command command_flow;

typedef struct flow_args {
    weft_fit_args *fit; /* first: see option.h */
    flow_choice choice;
    const char *html, *compare;
    bool json;
} flow_args;

static const option_row options[] = {
    HEADING("flow"),
    TEXT(flow_args, compare, "compare", "MODEL",
         "a second model, shown next to the first"),
    PATH(flow_args, html, "html", "FILE", "write one page with pictures and curves"),
    FLAG(flow_args, json, "json", "print one JSON object on stdout"),
    CHOICE(flow_args, choice.split, "split", "train|val|test",
           "part of the data that is sent through (train)"),
    INT(flow_args, choice.batches, "batches", 1, 100000, "how many are sent through (4)"),
    INT(flow_args, choice.batch, "batch", 1, 65536, "samples at a time (32)"),
    {.name = "seed",
     .kind = WEFT_OPTION_SEED,
     .metavar = "N",
     .offset = offsetof(flow_args, choice.seed),
     .help = "of the order, of dropout, and of a ready network's parameters (0)"},
    END_OF_OPTIONS};

static weft_status flow(const flow_args *a, const char *model, const char *data)
{
    flow_setup s[2] = {0};
    int n = 0;
    weft_status status = flow_open(model, data, &a->choice, &s[n]);
    if (!status) n++;
    if (!status && a->compare) {
        status = flow_open(a->compare, data, &a->choice, &s[n]);
        if (!status) n++;
    }
    if (!status && a->html) status = flow_page_write(s, n, a->html);
    if (!status && a->json)
        flow_print_json(s, n);
    else if (!status)
        flow_print_text(s, n);
    while (n > 0) flow_close(&s[--n]);
    return status;
}

static weft_status start(flow_args *a, const char *model, const char *data)
{
    char seed[32];
    weft_status s = model_source_options(
        &command_flow, (const char *const[]){model, a->compare}, a->compare ? 2 : 1);
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)a->choice.seed);
    if (!s) s = weft_fit_args_set(a->fit, "seed", seed);
    if (!s) s = weft_fit_args_apply(a->fit);
    if (!s && a->html) s = weft_fit_outside(a->html, data, "--html");
    return s ? s : flow(a, model, data);
}

static int run(int argc, char **argv)
{
    flow_args a = {.fit = weft_fit_args_new()};
    int n = 0, code = 0;
    weft_status s = a.fit ? options_parse(&command_flow, argc, argv, &a, &n)
                          : weft_fail(WEFT_ENOMEM, "flow: out of memory");
    a.choice.fit = a.fit;
    if (!s && n != 2)
        s = weft_fail(WEFT_EUSAGE,
                      "flow: takes a model and a data set, found %d arguments", n);
    if (!s) s = start(&a, argv[1], argv[2]);
    if (s && s != WEFT_ESTOPPED) code = command_failed(s);
    weft_fit_args_free(a.fit);
    return code;
}
const command command_flow = {
    .name = "flow",
    .arguments = "MODEL DATA [--key value ...]",
    .about = "Sends batches forth and back through a model, as training would, and shows "
             "what each layer computes (mean, spread, share of dead units) and how large "
             "the gradient of the loss is when it comes back there. Nothing is changed. "
             "MODEL is an ONNX file, a run folder, or the name of a ready network, which "
             "then has its initial parameters.",
    .examples =
        "  weft flow runs/classify/flowers flowers/ --html flow.html\n"
        "  weft flow resnet20 flowers/ --compare vgg11\n"
        "  weft flow best.onnx flowers/ --json | jq '.layers[] | {name, gradient}'\n",
    .options = options,
    .fit = FIT_FLOW,
    .run = run,
};
