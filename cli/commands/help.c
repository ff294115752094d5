/* help.c: `weft help`: texts about commands, models and completion. */
#include "help.h"

#include "base/error.h"

#include <string.h>

typedef struct help_args {
    bool man;
    const char *completion;
} help_args;

static const option_row options[] = {
    FLAG(help_args, man, "man", "print the command's man page (roff), or weft's"),
    CHOICE(help_args, completion, "completion", "bash|zsh|fish",
           "print completion for a shell"),
    END_OF_OPTIONS};

static int print_models(void)
{
    for (int i = 0; i < weft_zoo_total(); i++) {
        weft_zoo_info m = weft_zoo_info_at(i);
        char size[40] = "text";
        if (strcmp(weft_zoo_modality(m.name), "text"))
            snprintf(size, sizeof size, "%dx%dx%d", m.channels, m.height, m.width);
        printf("%-20s %-9s  %s\n", m.name, size, m.summary);
    }
    return 0;
}

static int help_about(const char *topic, bool man)
{
    char shown[100];
    const command *c = command_find(topic);
    if (!strcmp(topic, "models")) return print_models();
    if (!c)
        return command_misused("help: there is no command %s. See weft help",
                               weft__escape(shown, sizeof shown, topic));
    if (man)
        help_man(stdout, c);
    else
        help_print(stdout, c);
    return 0;
}

extern const command command_help;

static int run(int argc, char **argv)
{
    help_args a = {0};
    int n;
    weft_status s = options_parse(&command_help, argc, argv, &a, &n);
    if (s) return s == WEFT_ESTOPPED ? 0 : command_failed(s);
    if (a.completion) {
        if (n) return command_misused("help: --completion takes no topic");
        help_completion(stdout, a.completion);
        return 0;
    }
    if (n > 1) return command_misused("help: takes one topic, found %d", n);
    if (n) return help_about(argv[1], a.man);
    if (a.man)
        help_man(stdout, NULL);
    else
        help_overview(stdout);
    return 0;
}

const command command_help = {
    .name = "help",
    .arguments = "[COMMAND | models]",
    .about = "Explains a command with all its options, or lists the ready networks.",
    .examples = "  weft help train\n  weft help models\n"
                "  weft help --completion bash > /etc/bash_completion.d/weft\n",
    .options = options,
    .run = run,
};
