/* ops.c: `weft ops`: the table of operators. */
#include "option.h"

#include <jansson.h>
#include <string.h>

extern const command command_ops;

typedef struct ops_args {
    bool json;
} ops_args;

static const option_row options[] = {
    FLAG(ops_args, json, "json", "print one JSON array on stdout"), END_OF_OPTIONS};

static void print_json(void)
{
    json_t *rows = json_array();
    for (int i = 0; i < weft_op_total(); i++) {
        weft_op_info o = weft_op_info_at(i);
        json_array_append_new(rows, json_pack("{s:s, s:s?, s:i, s:s, s:b}", "name",
                                              o.name, "onnx", o.onnx, "since",
                                              o.onnx_since, "summary", o.summary,
                                              "differentiable", (int)o.differentiable));
    }
    json_dumpf(rows, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(rows);
}

static int run(int argc, char **argv)
{
    ops_args a = {0};
    int n;
    weft_status s = options_parse(&command_ops, argc, argv, &a, &n);
    if (s) return s == WEFT_ESTOPPED ? 0 : command_failed(s);
    if (n) return command_misused("ops: takes no arguments, found %d", n);
    if (a.json) {
        print_json();
        return 0;
    }
    for (int i = 0; i < weft_op_total(); i++) {
        weft_op_info o = weft_op_info_at(i);
        printf("%-20s %-22s %s\n", o.name, o.onnx ? o.onnx : "-",
               o.summary ? o.summary : "");
    }
    return 0;
}

const command command_ops = {
    .name = "ops",
    .arguments = "[--json]",
    .about = "Lists every operator: its name here, its name in ONNX, and its formula.",
    .options = options,
    .run = run,
};
