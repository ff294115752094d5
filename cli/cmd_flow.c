/* cmd_flow.c: `weft flow`: what goes forth and what comes back, layer by layer. */
#include "any_model.h"
#include "flow_page.h"
#include "flow_print.h"
#include "option.h"
#include "run_folder.h"

#include "base/error.h"

extern const command command_flow;

typedef struct flow_args {
    flow_choice choice;
    const char *html, *compare;
    int threads;
    bool json;
} flow_args;

static const option_row options[] = {
    TEXT(flow_args, compare, "compare", "MODEL", "a second model, set beside the first"),
    PATH(flow_args, html, "html", "FILE", "write one page with pictures and curves"),
    FLAG(flow_args, json, "json", "print one JSON object on stdout"),
    CHOICE(flow_args, choice.split, "split", "train|val|test",
           "part of the data that is sent through (train)"),
    INT(flow_args, choice.batches, "batches", 1, 100000, "how many are sent through (4)"),
    INT(flow_args, choice.batch, "batch", 1, 65536, "samples at a time (32)"),
    {.name = "seed",
     .kind = OPTION_SEED,
     .metavar = "N",
     .offset = offsetof(flow_args, choice.seed),
     .help = "of the order, of dropout, and of a ready network's parameters (0)"},
    FLAG(flow_args, choice.skip_bad, "skip-bad", "leave out samples that cannot be read"),
    {.kind = OPTION_HEADING, .help = "A ready network for texts"},
    INT(flow_args, choice.text.embedding, "embedding", 1, 65536, "width of embeddings"),
    INT(flow_args, choice.text.hidden, "hidden", 1, 16384, "recurrent units"),
    INT(flow_args, choice.text.layers, "layers", 1, 64, "recurrent layers"),
    REAL(flow_args, choice.text.gate_bias, "gate-bias", -20, 20,
         "at the start, of GRU's update and LSTM's forget gates (0; LSTM 1)"),
    CHOICE(flow_args, choice.text.readout, "readout", "last|max|mean|max+mean|attention",
           "how a text becomes one vector"),
    INT(flow_args, choice.max_length, "max-length", 1, 1048576, "tokens of a text"),
    {.kind = OPTION_HEADING, .help = "Other"},
    INT(flow_args, threads, "threads", 0, 256, "that compute; by default all cores"),
    END_OF_OPTIONS};

static weft_status flow(const flow_args *a, const char *model, const char *data)
{
    flow_subject s[2] = {0};
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

static int run(int argc, char **argv)
{
    flow_args a = {0};
    int n;
    weft_status s = options_parse(&command_flow, argc, argv, &a, &n);
    if (s == WEFT_ESTOPPED) return 0;
    if (!s && n != 2)
        return command_misused("flow: takes a model and a data set, found %d arguments",
                               n);
    if (!s)
        s = any_model_options(&command_flow, (const char *const[]){argv[1], a.compare},
                              a.compare ? 2 : 1);
    a.choice.two = a.compare != NULL;
    if (!s) s = weft_set_threads(a.threads);
    if (!s && a.html) s = run_folder_outside(a.html, argv[2], "--html");
    if (!s) s = flow(&a, argv[1], argv[2]);
    return s ? command_failed(s) : 0;
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
    .run = run,
};
