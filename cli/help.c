/* help.c: help, man pages and shell completion, all from the tables of options. */
#include "help.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void print_wrapped(FILE *f, const char *text, int indent, int width, int column)
{
    while (*text) {
        size_t n = strcspn(text, " \n");
        if (column > indent && column + 1 + (int)n > width) {
            fprintf(f, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', f);
            column++;
        }
        fprintf(f, "%.*s", (int)n, text);
        column += (int)n;
        text += n;
        while (*text == ' ' || *text == '\n') text++;
    }
    fputc('\n', f);
}

static void print_row(FILE *f, const option_row *o)
{
    char left[64];
    if (!o->name) {
        fprintf(f, "\n%s\n", o->help);
        return;
    }
    char letter[8] = "    ";
    if (o->letter) snprintf(letter, sizeof letter, "-%c, ", o->letter);
    int n = snprintf(left, sizeof left, "  %s--%s", letter, o->name);
    if (o->kind != OPTION_FLAG && n < 40)
        snprintf(left + n, sizeof left - (size_t)n, o->optional ? "[=%s]" : " %s",
                 o->metavar ? o->metavar : "WORD");
    n = fprintf(f, "%-28s", left);
    if (n > 28) {
        fprintf(f, "\n%28s", "");
        n = 28;
    }
    char text[500];
    snprintf(text, sizeof text, "%s%s%s", o->help, o->choices ? ": " : "",
             o->choices ? o->choices : "");
    print_wrapped(f, text, 28, 90, 28);
}

void help_print(FILE *f, const command *c)
{
    fprintf(f, "usage: weft %s %s\n\n", c->name, c->arguments);
    print_wrapped(f, c->about, 0, 90, 0);
    for (const option_row *o = c->options; o && (o->name || o->help); o++)
        print_row(f, o);
    fprintf(f, "  -h, --help                this text\n");
    if (c->examples) fprintf(f, "\nexamples:\n%s", c->examples);
}

void help_overview(FILE *f)
{
    fprintf(
        f,
        "weft %s: train and run neural networks on a CPU\n\nusage: weft COMMAND ...\n\n",
        weft_version());
    for (int i = 0; i < command_total(); i++)
        fprintf(f, "  %-10s %s\n", command_at(i)->name, command_summary(i));
    fprintf(f, "\n`weft help COMMAND` explains one. Start with: weft train "
               "FOLDER_OF_PICTURES\n");
}

static void roff(FILE *f, const char *text)
{
    if (*text == '.' || *text == '\'') fputs("\\&", f);
    for (; *text; text++) {
        if (*text == '\\')
            fputs("\\e", f);
        else if (*text == '-')
            fputs("\\-", f);
        else
            fputc(*text, f);
    }
    fputc('\n', f);
}

void help_man(FILE *f, const command *c)
{
    fprintf(f, ".TH WEFT-%s 1 \"\" \"weft %s\" \"User Commands\"\n.SH NAME\nweft-%s \\- ",
            c->name, weft_version(), c->name);
    for (int i = 0; i < command_total(); i++)
        if (command_at(i) == c) roff(f, command_summary(i));
    fprintf(f, ".SH SYNOPSIS\n.B weft %s\n", c->name);
    roff(f, c->arguments);
    fputs(".SH DESCRIPTION\n", f);
    roff(f, c->about);
    fputs(".SH OPTIONS\n", f);
    for (const option_row *o = c->options; o && (o->name || o->help); o++) {
        if (!o->name) {
            fputs(".SS ", f);
            roff(f, o->help);
            continue;
        }
        fprintf(f, ".TP\n\\fB\\-\\-%s\\fR%s%s\n", o->name,
                o->kind == OPTION_FLAG ? "" : " ",
                o->kind == OPTION_FLAG ? ""
                : o->metavar           ? o->metavar
                                       : o->choices);
        roff(f, o->help);
    }
    if (c->examples) {
        fputs(".SH EXAMPLES\n.nf\n", f);
        roff(f, c->examples);
        fputs(".fi\n", f);
    }
}

/* Choices as completion words: '|' becomes a space. */
static void words(FILE *f, const char *choices)
{
    for (; choices && *choices; choices++) fputc(*choices == '|' ? ' ' : *choices, f);
}

static void bash_command(FILE *f, const command *c)
{
    fprintf(f, "    %s)\n        case $previous in\n", c->name);
    for (const option_row *o = c->options; o && (o->name || o->help); o++)
        if (o->name && o->choices) {
            fprintf(f, "        --%s) COMPREPLY=($(compgen -W '", o->name);
            words(f, o->choices);
            fputs("' -- \"$word\")); return;;\n", f);
        }
    fputs("        esac\n        options='--help", f);
    for (const option_row *o = c->options; o && (o->name || o->help); o++)
        if (o->name) fprintf(f, " --%s", o->name);
    fputs("';;\n", f);
}

void help_bash(FILE *f)
{
    fputs(
        "# bash completion for weft; made by `weft help --completion bash`\n_weft()\n{\n"
        "    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} "
        "options\n"
        "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W '",
        f);
    for (int i = 0; i < command_total(); i++) fprintf(f, "%s ", command_at(i)->name);
    fputs("' -- \"$word\")); return\n    fi\n    case ${COMP_WORDS[1]} in\n", f);
    for (int i = 0; i < command_total(); i++) bash_command(f, command_at(i));
    fputs("    esac\n    case $word in\n"
          "    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\"));;\n"
          "    *) COMPREPLY=($(compgen -f -- \"$word\"));;\n    esac\n}\n"
          "complete -o filenames -F _weft weft\n",
          f);
}

void help_fish(FILE *f)
{
    fputs("# fish completion for weft; made by `weft help --completion fish`\n", f);
    for (int i = 0; i < command_total(); i++) {
        const command *c = command_at(i);
        fprintf(f, "complete -c weft -n __fish_use_subcommand -a %s -d '%s'\n", c->name,
                command_summary(i));
        for (const option_row *o = c->options; o && (o->name || o->help); o++) {
            if (!o->name) continue;
            fprintf(f, "complete -c weft -n '__fish_seen_subcommand_from %s' -l %s",
                    c->name, o->name);
            if (o->kind != OPTION_FLAG) fputs(" -r", f);
            if (o->choices) {
                fputs(" -a '", f);
                words(f, o->choices);
                fputs("'", f);
            }
            fputc('\n', f);
        }
    }
}
